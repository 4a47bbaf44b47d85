import chromium from '@sparticuz/chromium';
import { chromium as browsers } from 'playwright-core';
import { spawn } from 'node:child_process';
const child = spawn(process.execPath, ['dist/cli/main.js','play','--no-open'],{stdio:['ignore','pipe','inherit']});
const address = await new Promise(r=>child.stdout.once('data',t=>r(t.toString().trim())));
const b = await browsers.launch({executablePath: await chromium.executablePath(), headless:true, args:['--no-sandbox','--no-first-run','--disable-gpu']});
const page = await b.newPage({viewport:{width:1280,height:900}});
page.on('console',m=>console.log('C',m.text())); page.on('pageerror',e=>console.log('E',e.message));
await page.goto(address+'train/'); await page.waitForTimeout(2500);
await page.getByLabel('learning rate').selectOption('1e20');
await page.getByLabel('speed').selectOption('');
await page.click('#train'); 
for (let i=0;i<4;i++){await page.waitForTimeout(500); console.log(await page.textContent('#status'), await page.textContent('#numbers'));}
await b.close(); child.kill();
