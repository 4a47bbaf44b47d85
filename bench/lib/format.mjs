import { WORKLOADS } from './workloads.mjs';

const digits = (value) => (value === undefined ? '' : String(Number(value.toPrecision(3))));
const times = ({ min, median, max }) => (min === max ? digits(median) : `${digits(median)} [${digits(min)}-${digits(max)}]`);
const megabytes = (bytes) => (bytes === undefined ? '' : digits(bytes / 1e6));
const percent = (share) => (share === undefined ? '' : `${Math.round(share * 100)}%`);

/** A workload's rows as cells of text, the first row being the header: for the terminal and for the page alike. */
export function cellsOf({ workload, rows }) {
  const { kind, unit, rate } = WORKLOADS[workload];
  const ours = Object.keys(rows[0]?.ratios ?? {});
  const what = kind === 'train' ? `ms${unit > 1 ? ` for ${unit} steps` : ' a step'}` : 'ms';
  const ratioOf = (row, name) => (name === row.program ? '1' : row.ratios[name].median === undefined ? 'none' : times(row.ratios[name]));
  const columns = [
    ['', (row) => row.program],
    [`${what}, median [min-max]`, (row) => (row.time ? times(row.time) : '')],
    ...(rate ? [[rate, (row) => digits(row.rate?.median)]] : []),
    ...ours.map((name) => [`${name} / it`, (row) => ratioOf(row, name)]),
    ...(kind === 'train' ? [['CPU ms', (row) => digits(row.cpu)]] : []),
    ['dispatches', (row) => digits(row.device?.dispatches)],
    ['submits', (row) => digits(row.device?.submits)],
    ['new buffers', (row) => digits(row.device?.buffers)],
    ['peak MB', (row) => megabytes(row.device?.peakBytes)],
    ['resident MB', (row) => megabytes(row.rssBytes)],
    ['first step s', (row) => digits(row.firstStep === undefined ? undefined : row.firstStep / 1000)],
    ['host', (row) => percent(row.hostShare)],
    ...(kind === 'train' ? [['losses', lossesOf(workload)]] : []),
  ];
  return [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
}

const lossesOf = (workload) => (row) => {
  if (!row.losses) return '';
  const steps = Object.keys(WORKLOADS[workload].checks ?? row.losses);
  const shown = [steps[0], steps.at(-1)].map((step) => `${step}: ${Number(row.losses[step]?.toPrecision(6))}`);
  return shown.join(', ');
};

/** Why rows have no ratio: what is wrong with them, or else how they differ from ours. */
export const problemsOf = ({ rows }) =>
  rows.flatMap(({ program, problem, ratios }) => {
    const differences = Object.entries(ratios).flatMap(([ours, ratio]) => (ratio?.reason ? [`with ${ours}, ${ratio.reason}`] : []));
    const said = rows.filter((row) => row.problem && row.program !== program).map((row) => row.problem);
    const own = problem ? [problem] : differences.filter((text) => !said.some((other) => text.endsWith(other)));
    return own.map((text) => `${program}: ${text}`);
  });

/** Cells as columns of a terminal. */
export function alignedTable(cells) {
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')).join('\n');
}

/** Cells as Markdown. */
export function markdownTable(cells) {
  const line = (row) => `| ${row.join(' | ')} |`;
  return [line(cells[0]), line(cells[0].map((_, i) => (i ? '--:' : '---'))), ...cells.slice(1).map(line)].join('\n');
}
