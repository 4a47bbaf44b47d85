import { alignedTable, cellsOf, markdownTable, problemsOf } from './format.mjs';
import { summarize } from './summary.mjs';
import { LOSS_TOLERANCE } from './validate.mjs';

/** docs/performance.md from the results of a run, and of a measurement of cold starts if there is one. */
export function pageOf(results, cold, population, compiled) {
  const tables = summarize(results);
  const sections = tables.map((table) =>
    [`## ${table.workload}`, `${capital(table.about)}.`, markdownTable(cellsOf(table)), ...problemsOf(table).map(problemLine)].join('\n\n'),
  );
  return [
    '# Performance',
    '<!-- Written by `node bench/run.mjs --write`; do not edit. -->',
    [
      `Measured on ${results.date.slice(0, 10)} with \`${results.command}\`: ${results.rounds} ${results.rounds === 1 ? 'round' : 'rounds'}${results.quick ? ', quick (short windows)' : ''}.`,
      machineText(results),
      'How it is measured and checked is told in [bench/README.md](../bench/README.md).',
    ].join(' '),
    [
      '`nnc / it` is the time of nnc divided by the time of the program of that line, in the same round: below 1 nnc is faster. It is given',
      `only where both reach the same losses (to ${LOSS_TOLERANCE}, relative) and, for WebGPU, used the same adapter. Dispatches, submits and new`,
      'buffers are those of one step; peak MB is the memory of WebGPU buffers, resident MB that of the whole process. The first step',
      "includes tracing and compiling everything, with the driver's shader cache switched off. CPU ms is processor time of all threads for",
      'as much as the milliseconds beside it, a software adapter included. Host is the share of the time in which the thread that drives the',
      'device was computing.',
    ].join(' '),
    ...sections,
    ...(cold ? [coldSection(cold)] : []),
    ...(population ? [populationSection(population)] : []),
    ...(compiled ? [compileSection(compiled)] : []),
    '## Versions',
    versionsOf(tables)
      .map((v) => `- ${v}`)
      .join('\n'),
    '',
  ].join('\n\n');
}

/** The same for a terminal. */
export const terminalText = (results) =>
  summarize(results)
    .map((table) =>
      [`${table.workload}  ${table.about}`, alignedTable(cellsOf(table)), ...problemsOf(table).map((p) => `  ${p}`)].join('\n'),
    )
    .join('\n\n');

/** Cold starts as cells of text. */
export function coldCells({ rows }) {
  const seconds = ({ min, median, max }) => [min, median, max].map((ms) => (ms / 1000).toFixed(2));
  return [
    ['', 'shader cache', 'min s', 'median s', 'max s'],
    ...rows.map(({ workload, cache, time }) => [workload, cache, ...seconds(time)]),
  ];
}

/** Many nets at once and in turn, as cells of text. */
export function populationCells({ atOnce, inTurn, ratio }) {
  const row = (what, { min, median, max }, digits) => [what, ...[min, median, max].map((v) => v.toFixed(digits))];
  return [['', 'min', 'median', 'max'], row('at once, ms', atOnce, 0), row('in turn, ms', inTurn, 0), row('in turn / at once', ratio, 2)];
}

function populationSection(population) {
  const { date, machine, nets, steps, rounds } = population;
  return [
    '## Many nets at once',
    `${nets} nets of workload A, ${steps} steps each, with WebGPU on ${date.slice(0, 10)} (${machine.cpu}), ${rounds} times (\`node bench/population.mjs\`): at once in one dispatch a chunk, and one after the other in one session. The losses of each net are the same bits both ways.`,
    markdownTable(populationCells(population)),
  ].join('\n\n');
}

/** Times of compiling as cells of text. */
export function compileCells({ rows }) {
  const seconds = ({ min, median, max }) => `${(median / 1000).toFixed(2)} [${(min / 1000).toFixed(2)}-${(max / 1000).toFixed(2)}]`;
  return [
    ['', 'for the GPU, s', 'for the processor, s', 'for all, s', 'CPU s for all', 'peak MB for all'],
    ...rows.map(({ name, gpu, cpu, all }) => [
      name,
      ...[gpu, cpu, all].map(({ time }) => seconds(time)),
      (all.cpu.median / 1000).toFixed(2),
      String(Math.round(all.resident.max / 1e6)),
    ]),
  ];
}

const COMPILE_TITLE = '## Compile time';

export function compileSection(compiled) {
  const { date, machine, rounds } = compiled;
  return [
    COMPILE_TITLE,
    `From the text of a program to its plan for training, each in a new process, ${rounds} times, on ${date.slice(0, 10)} (${machine.cpu}, Node ${machine.node}; \`node bench/compile.mjs\`): median [min-max]. A loop over places is compiled once, however many there are.`,
    markdownTable(compileCells(compiled)),
  ].join('\n\n');
}

/** The page with a section of compile times, in the place of the one it has. */
export function withSection(page, section) {
  const parts = page.split(/^(?=## )/m).filter((part) => !part.startsWith(COMPILE_TITLE));
  const last = parts.findIndex((part) => part.startsWith('## Versions'));
  return [...parts.slice(0, last), `${section}\n\n`, ...parts.slice(last)].join('');
}

function coldSection(cold) {
  const { date, machine, device, rounds } = cold;
  return [
    '## Cold start',
    `From the start of the process \`nnc train --device ${device}\` to its first loss, ${rounds} times each, on ${date.slice(0, 10)} (${machine.cpu}).`,
    markdownTable(coldCells(cold)),
  ].join('\n\n');
}

function machineText({ machine, measurements }) {
  const adapters = [...new Set(measurements.map((m) => m.result.device?.adapter).filter((name) => name !== undefined))];
  const gpu = adapters.length ? `, adapter ${adapters.join(' and ')}` : '';
  return `Machine: ${machine.cpu}, ${machine.cores} cores${gpu}, ${machine.system}, Node ${machine.node}.`;
}

const versionsOf = (tables) => [...new Set(tables.flatMap((t) => t.rows.flatMap((row) => row.version ?? [])))];
const problemLine = (problem) => `Not compared: ${problem.replaceAll('|', '\\|')}.`;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
