// One compilation in a process of its own: FILE DEVICES ROWS REPEATS PLACES; prints what it took as JSON.
import { readFileSync } from 'node:fs';
import { check, compile } from '../../dist/compile.js';

const [file, devices, rows, repeats, places] = process.argv.slice(2);
let text = readFileSync(file, 'utf8');
if (Number(repeats)) text = text.replace(/repeat \d+ /, `repeat ${repeats} `);
if (Number(places)) text = text.replace('PLACES', places);
const [begin, cpu] = [performance.now(), process.cpuUsage()];
const { model, diagnostics } = check({ name: file, text });
if (!model) throw new Error(JSON.stringify(diagnostics.map((d) => d.label)));
compile(model, { rows: Number(rows), devices });
const used = process.cpuUsage(cpu);
const milliseconds = performance.now() - begin;
console.log(
  JSON.stringify({
    milliseconds,
    cpu: (used.user + used.system) / 1000,
    resident: process.resourceUsage().maxRSS * 1024,
  }),
);
