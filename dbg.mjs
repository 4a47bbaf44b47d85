import chromium from '@sparticuz/chromium';
import { chromium as browsers } from 'playwright-core';
const b = await browsers.launch({executablePath: await chromium.executablePath(), headless:true, args:['--no-sandbox','--no-first-run','--disable-gpu']});
for (const n of ['digits','tale','flowers','spirals','denoise']) {
 const page = await b.newPage({viewport:{width:n==='tale'?390:1000,height:900}, colorScheme: n==='tale'?'dark':'light'});
 page.on('console',m=>console.log(n,'C',m.text())); page.on('pageerror',e=>console.log(n,'E',e.message));
 await page.goto(`file:///tmp/b/${n}.html`); await page.locator('#status').filter({hasText:/^ready|^it did/}).waitFor();
 await page.click('#train'); await page.waitForTimeout(5000);
 if (n==='digits') { const pad=page.locator('#pad'); await pad.scrollIntoViewIfNeeded(); const q=await pad.boundingBox(); const P=(x,y)=>page.mouse.move(q.x+q.width*x,q.y+q.height*y,{steps:4}); await P(.4,.2); await page.mouse.down(); await P(.65,.2); await P(.55,.8); await page.mouse.up(); await page.waitForTimeout(500);}
 if (n==='tale') { await page.click('#write'); await page.waitForTimeout(1500); }
 console.log(n, await page.textContent('#status'), await page.textContent('#numbers'));
 await page.screenshot({path:`/tmp/b/${n}.png`, fullPage:true});
 await page.close();
}
await b.close();
