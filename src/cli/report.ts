import type { Numbers } from '../data/needs.ts';
import { blank, firstRows, type Values } from '../data/values.ts';
import type { Prepared } from '../library/prepare.ts';
import { netDescription } from '../library/net-description.ts';
import { namesOf } from '../base/learned.ts';
import { fixedShape } from '../base/types.ts';
import { drawChart } from '../pictures/chart.ts';
import { drawConfusion } from '../pictures/confusion.ts';
import { bothSides, lineOver, rangeOf, squareOver } from '../pictures/grid.ts';
import { netPicture } from '../pictures/net.ts';
import { picture, type Drawing } from '../pictures/picture.ts';
import { drawAgreement, drawFit } from '../pictures/points.ts';
import { drawRegion, GROUPS } from '../pictures/region.ts';
import { counted, escape } from '../pictures/svg.ts';
import type { RunningModel } from '../runtime/model.ts';
import { probabilities } from '../runtime/probabilities.ts';
import type { OpenProgram } from './program.ts';
import { REPORT_STYLE } from './report-style.ts';
import type { Trained } from './run-training.ts';
import { scoresOf, type Scores } from './scoring.ts';
import { showNumber, showTime } from './terminal.ts';

/** Examples that are drawn, and classes that a matrix shows. */
const SHOWN = 2000;
const MOST_CLASSES = 16;
/** Places of a curve, and of each axis of a region. */
const CURVE = 200;
const GRID = 60;

/** A figure of the report. */
interface Figure {
  readonly title: string;
  readonly text: string;
  readonly drawing: Drawing;
}

/** What examples the figures show, and what the model says about them. */
interface Shown {
  readonly rows: number;
  readonly inputs: readonly Numbers[];
  readonly targets: readonly Numbers[];
  readonly heldOut: boolean;
}

/** Everything about a training on one page that needs nothing else: curves, figures by kind of program, the net, the program itself. */
export async function reportOf(program: OpenProgram, model: RunningModel, data: Prepared, run: Trained): Promise<string> {
  const { model: m, source } = program;
  const from = data.holdout ?? data;
  const rows = Math.min(SHOWN, from.rows);
  const some = from.tensors.map((t: Values) => firstRows(t, from.rows, rows));
  const shown: Shown = {
    rows,
    inputs: some.slice(0, m.inputs.length),
    targets: some.slice(m.inputs.length),
    heldOut: data.holdout !== undefined,
  };
  // Pictures and scores ask for predictions of other numbers of examples than a batch has.
  const apart = model.about.examples === undefined;
  const scores = apart
    ? scoresOf(await model.predict(...shown.inputs), shown.targets, data.names.learned?.classes[m.targets[0]?.shown ?? ''])
    : {};
  const figures = [lossFigure(run), ...(apart ? await kindFigures(program, model, data, shown, scores) : [])];
  const net = netPicture(netDescription(m, run.weights, data.learned));
  const last = run.best?.values ?? run.held.at(-1)?.values ?? {};
  const tiles: readonly (readonly [string, string])[] = [
    ['loss of the last step', showNumber(run.losses.at(-1)?.y ?? NaN)],
    ...Object.entries(last).map(([name, v]) => [`held-out ${name}${run.best ? ', best' : ''}`, showNumber(v)] as const),
    ['steps', run.steps.toLocaleString('en')],
    ['time', showTime(run.seconds)],
    ['examples', `${data.rows.toLocaleString('en')}${data.holdout ? ` and ${data.holdout.rows.toLocaleString('en')} held out` : ''}`],
    ['device', model.device.name],
  ];
  const what = shown.heldOut ? 'held-out examples' : 'training examples';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(model.plan.name)}: a training report</title>
<style>
${REPORT_STYLE}
</style>
<main>
<header><p class="kind">training report</p><h1>${escape(model.plan.name)}</h1></header>
<dl class="tiles">${tiles.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join('')}</dl>
${figures.map(figureHtml).join('\n')}
${scoresHtml(scores, `${rows.toLocaleString('en')} ${what}${rows < from.rows ? `, the first of ${from.rows.toLocaleString('en')}` : ''}`)}
<section><h2>The net</h2><div class="picture">${net}</div></section>
<section><h2>The program</h2><pre><code>${escape(source.text.trimEnd())}</code></pre></section>
</main>
</html>
`;
}

const figureHtml = ({ title, text, drawing }: Figure): string =>
  `<section><h2>${escape(title)}</h2><p>${escape(text)}</p><div class="picture">${picture(drawing, title, 'auto')}</div></section>`;

function lossFigure({ losses, held }: Trained): Figure {
  const outside = held.map(({ step, values }) => ({ x: step, y: values['loss'] ?? NaN }));
  return {
    title: 'The loss',
    text: held.length > 0 ? 'Of each step before its update, and of the held-out examples.' : 'Of each step, before its update.',
    drawing: drawChart({
      series: [
        { name: 'training', role: 'train', points: losses },
        { name: 'held out', role: 'held', points: outside },
      ],
      x: 'step',
      y: 'loss',
    }),
  };
}

async function kindFigures(
  { model: m }: OpenProgram,
  model: RunningModel,
  data: Prepared,
  shown: Shown,
  { classes, numbers }: Scores,
): Promise<Figure[]> {
  const [input, ...more] = m.inputs;
  const width = input.type.dtype === 'f32' && more.length === 0 ? fixedShape(input.type.shape.slice(1)).reduce((a, b) => a * b, 1) : 0;
  const names = (data.learned?.columns[input.name] ?? []).flatMap(namesOf);
  const name = (i: number): string => names[i] ?? (width === 1 ? input.name : `${input.name}[${i}]`);
  const target = m.targets[0]?.shown ?? 'y';
  const aim = data.columns?.[m.inputs.length]?.[0] ?? target;
  const figures: Figure[] = [];
  if (classes && classes.classes.length <= MOST_CLASSES) {
    const labels = classes.classes.map((c) => c.name);
    if (width === 2 && labels.length <= GROUPS.length) figures.push(await regionFigure(model, shown, labels, [name(0), name(1)]));
    figures.push({
      title: 'Which class was taken for which',
      text: 'Each row is a real class, each column what was predicted.',
      drawing: drawConfusion(labels, classes.confusion),
    });
  }
  if (numbers && shown.targets[0]?.length === shown.rows) {
    const real = shown.targets[0];
    if (width === 1) figures.push(await fitFigure(model, shown, name(0), aim));
    else {
      const { data: predicted } = await model.predict(...shown.inputs);
      figures.push({
        title: 'Predicted and real',
        text: 'On the dashed line a prediction is what is real.',
        drawing: drawAgreement({ points: Array.from(real, (x, i) => ({ x, y: predicted[i] ?? NaN })), name: aim }),
      });
    }
  }
  return figures;
}

async function fitFigure(
  model: RunningModel,
  { inputs: [x = blank('f32', 0)], targets: [y] }: Shown,
  xName: string,
  yName: string,
): Promise<Figure> {
  const places = lineOver(rangeOf(x, 1, 0), CURVE);
  const { data } = await model.predict(places);
  return {
    title: 'What it learned',
    text: 'The examples, and what the model says for every value of the input.',
    drawing: drawFit({
      points: Array.from(x, (v, i) => ({ x: v, y: y?.[i] ?? NaN })),
      curve: Array.from(places, (v, i) => ({ x: v, y: data[i] ?? NaN })),
      x: xName,
      y: yName,
    }),
  };
}

async function regionFigure(
  model: RunningModel,
  { inputs: [x = blank('f32', 0)], targets: [y], rows }: Shown,
  names: readonly string[],
  axes: readonly [string, string],
): Promise<Figure> {
  const [across, up] = [rangeOf(x, 2, 0), rangeOf(x, 2, 1)];
  const places = squareOver(across, up, GRID);
  const prediction = await model.predict(places);
  const own = probabilities(prediction) ?? prediction.data;
  // One score is the share of the second side.
  const shares = own.length === GRID * GRID ? bothSides(own) : own;
  return {
    title: 'What it says everywhere',
    text: 'Colours are the classes, the stronger the surer the model is. Points are examples.',
    drawing: drawRegion({
      points: Array.from({ length: rows }, (_, i) => ({ x: x[2 * i] ?? NaN, y: x[2 * i + 1] ?? NaN, group: y?.[i] ?? 0 })),
      x: axes[0],
      y: axes[1],
      names,
      shares,
      columns: GRID,
      rows: GRID,
      low: [across[0], up[0]],
      high: [across[1], up[1]],
    }),
  };
}

function scoresHtml({ classes, auc, numbers }: Scores, of: string): string {
  const table = (rows: readonly (readonly string[])[]): string => {
    const [head = [], ...body] = rows;
    const cells = (kind: string, row: readonly string[]): string =>
      `<tr>${row.map((c) => `<${kind}>${escape(c)}</${kind}>`).join('')}</tr>`;
    return `<table><thead>${cells('th', head)}</thead><tbody>${body.map((r) => cells('td', r)).join('')}</tbody></table>`;
  };
  const section = (text: string, content: string): string =>
    `<section><h2>How good it is</h2><p>${escape(`On ${of}. ${text}`)}</p>${content}</section>`;
  if (numbers) return section('', table([['measure', 'value'], ...Object.entries(numbers).map(([n, v]) => [n, showNumber(Number(v))])]));
  if (!classes) return '';
  const share = (v: number): string => v.toFixed(3);
  const rows = classes.classes.slice(0, 50).map((c) => [c.name, share(c.precision), share(c.recall), share(c.f1), String(c.examples)]);
  return section(
    `Accuracy ${share(classes.accuracy)}${auc === undefined ? '' : `, area under the ROC curve ${share(auc)}`}; ${counted(classes.classes.length, 'class')}.`.replace(
      'classs',
      'classes',
    ),
    table([['class', 'precision', 'recall', 'f1', 'examples'], ...rows]),
  );
}
