import { Command, InvalidArgumentError, Option } from 'commander';
import { fail } from '../base/errors.ts';
import { check } from './commands/check.ts';
import { build } from './commands/build.ts';
import { doctor } from './commands/doctor.ts';
import { drawCommand } from './commands/draw.ts';
import { dump } from './commands/dump.ts';
import { STAGES } from '../library/dumps.ts';
import { evaluateCommand } from './commands/eval.ts';
import { generateCommand } from './commands/generate.ts';
import { fmt } from './commands/fmt.ts';
import { gradcheckCommand } from './commands/gradcheck.ts';
import { grad } from './commands/grad.ts';
import { newCommand, TEMPLATES } from './commands/new.ts';
import { opt } from './commands/opt.ts';
import { PASSES } from '../passes/by-name.ts';
import { play } from './commands/play.ts';
import { predict } from './commands/predict.ts';
import { stepCommand } from './commands/step.ts';
import { run } from './commands/run.ts';
import { train } from './commands/train.ts';
import { tune } from './commands/tune.ts';
import { verify } from './commands/verify.ts';
import { nameFiles } from './companions.ts';
import { DATA_FILES } from '../data/dataset.ts';
import { THEMES } from '../pictures/theme.ts';
import { version } from './package.ts';
import { allowImportsAnywhere } from './program.ts';

function whole(min: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < min || n > 0x7fffffff) throw new InvalidArgumentError(`It must be a whole number of at least ${min}.`);
    return n;
  };
}

function number(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isFinite(n)) throw new InvalidArgumentError('It must be a number.');
  return n;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };
const memory = (): Option =>
  new Option('--max-memory <size>', 'most device memory, such as 64MB: parts of the forward pass are computed again to fit').argParser(
    (text) => {
      const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) *([kmg]i?b)?$/i.exec(text) ?? [];
      const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? NaN));
      if (number === '' || !(bytes > 0)) throw new InvalidArgumentError('It is a number of bytes, or one with a unit: 64MB, 1.5GiB.');
      return bytes;
    },
  );
const device = (): Option => new Option('--device <device>', 'where to run').choices(['auto', 'gpu', 'cpu']).default('auto');
const devices = (what: string): Option => new Option('--devices <which>', what).choices(['all', 'gpu', 'cpu']).default('all');
const deterministic = (): Option =>
  new Option('--deterministic', 'take the kernels that nnc would choose anywhere, not those that nnc tune found here');
const matrices = (): Option =>
  new Option('--subgroup-matrix', "compute products by the GPU's matrix units, an experiment of Dawn; with precision f16 on most GPUs");
const rng = (): Option =>
  new Option('--rng <generator>', "where random numbers come from: nnc's own, or PyTorch's for the same seed")
    .choices(['native', 'torch'])
    .default('native');
const level = (): Option =>
  new Option('-O, --opt <level>', '0 runs every operation as a kernel of its own, 1 fuses').default(1).argParser((text) => {
    if (text !== '0' && text !== '1') throw new InvalidArgumentError('It is 0 or 1.');
    return Number(text);
  });

/** Flags that may be given several times. */
const REPEATED = ['sweep', 'rename'];

/** Of a flag that is given twice, only the last one would count. */
function refuseTwice(command: Command): void {
  for (const option of command.options) {
    const name = option.name();
    if ((!option.required && !option.optional) || option.variadic || REPEATED.includes(name)) continue;
    let times = 0;
    command.on(`option:${name}`, () => {
      if (++times > 1) fail('NN501', `--${name} is given twice, and only one counts`, { help: 'keep one of them' });
    });
  }
}

/** Where data is named in the call, the files of its other tensors are, too. */
function takeFiles(command: Command): void {
  command
    .option('--files <name=file...>', 'for --data of .npy or IDX files: the file of each other tensor, as y=ytest.npy')
    .hook('preAction', (self) => nameFiles(self.opts<{ files?: string[] }>().files ?? []));
}

/** The command line; each command is a file in commands/. */
export function commands(): Command {
  const nnc = new Command('nnc')
    .description('A compiler for neural networks. It trains .nn programs on the GPU and turns them into pages.')
    .version(version())
    .showHelpAfterError('(nnc --help shows what there is)')
    .showSuggestionAfterError()
    .exitOverride();
  const command = (name: string, about: string, examples: readonly string[]): Command =>
    nnc
      .command(name)
      .description(about)
      .exitOverride()
      .addOption(new Option('--imports-anywhere', "let imports reach outside of the program's folder").hideHelp())
      .hook('preAction', (self) => {
        if (self.opts<{ importsAnywhere?: true }>().importsAnywhere) allowImportsAnywhere();
      })
      .addHelpText('after', `\nExamples:\n${examples.map((e) => `  $ nnc ${e}`).join('\n')}`);

  command('new', 'start a project: a program for your own table, or a copy of an example', [
    'new flowers --data flowers.csv --target species',
    'new story --template text',
  ])
    .argument('<name>', 'the program to write')
    .option('--data <file>', 'your table (.csv, .tsv, .json or .jsonl), or a folder with a folder of images for each class')
    .option('--target <column>', 'what the model shall tell; by default the last column')
    .option('--words <column...>', 'columns of words that look like numbers (postcodes) or gaps (None, NA)')
    .addOption(new Option('--template <kind>', 'the example to copy').choices(Object.keys(TEMPLATES)))
    .action(newCommand);

  command('train', 'train a program', [
    'train house.nn',
    'train house.nn --save house.safetensors',
    'train house.nn --data other.csv --epochs 50 --device cpu',
    'train house.nn --seeds 256 --device gpu --save best.safetensors',
  ])
    .argument('<file>', 'the program')
    .option('--data <file>', `train on this file: ${DATA_FILES}`)
    .option('--steps <n>', 'number of updates', whole(1))
    .option('--epochs <n>', 'how often to go through the data', whole(1))
    .option('--batch <n>', 'examples in one update', whole(1))
    .option('--seed <n>', 'seed of initial weights, dropout and order', whole(0))
    .addOption(device())
    .option('--init <file>', 'start from these weights (.safetensors)')
    .option('--allow-missing', 'with --init: draw what the file lacks, and leave out what the model lacks')
    .option('--rename <old=new...>', "with --init: names in the file, as 'h.{i}.fc=blocks.{i}.fc1'; ^T behind a name transposes")
    .option('--save <file>', 'write the weights here (.safetensors)')
    .option('--checkpoint <dir>', 'write everything that is needed to go on into this folder')
    .option('--resume', 'go on from the checkpoint')
    .option('--save-best [metric]', 'keep the weights that are best on held-out examples, by the loss or a metric')
    .option('--keep <n>', 'keep so many earlier checkpoints too, each with its step in its name', whole(1))
    .option('--trap-nonfinite', 'if a loss or a weight is no number: say which step, operation, element and line made it')
    .option('--plot', 'draw the loss in the terminal when training is done')
    .option('--find-lr', 'try learning rates from low to high for a few steps, show where the loss falls, and suggest one')
    .option('--tensorboard <dir>', 'write what happens for TensorBoard into this folder')
    .option('--report <file>', 'write a page about the training (.html): curves, figures, the net')
    .option('--log <file>', 'write one line of JSON for each step: loss, metrics, learning rate, time, held-out values')
    .addOption(memory())
    .option('--profile [file]', 'time every kernel after training; the file gets a Chrome trace')
    .option('--seeds <n>', 'train so many nets, from seed on, and tell which is the best', whole(1))
    .option('--folds <k>', 'train k times, each time with another k-th of the data held out', whole(2))
    .option(
      '--sweep <setting>',
      'train a net for each value of a setting of the optimizer, the batch, or a number that a let names: "lr=[1e-3, 1e-2]"; may be repeated',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .addOption(deterministic())
    .addOption(matrices())
    .addOption(rng())
    .addOption(level())
    .action(train);

  command('run', 'evaluate print lines, and train if the program says so', ['run neuron.nn', 'run house.nn --rng torch'])
    .argument('<file>', 'the program')
    .option('--seed <n>', 'seed of initial weights, dropout and order', whole(0))
    .addOption(device())
    .addOption(rng())
    .addOption(level())
    .action(run);

  command('predict', 'run a trained model', [
    'predict house.nn --weights house.safetensors --input 3.0',
    'predict house.nn --weights house.safetensors --data new.csv --out prices.csv',
  ])
    .argument('<file>', 'the program')
    .requiredOption('--weights <file>', 'the weights (.safetensors)')
    .option(
      '--input <values>',
      'the input: values separated by commas, or by name ("sqft=3.0, city=Paris"); examples by semicolons; quotes around what holds these signs',
    )
    .option('--data <file>', `inputs from a file: ${DATA_FILES}`)
    .option('--out <file>', 'write the predictions here (.csv, .json or .safetensors)')
    .option('--logits', 'give the plain numbers of the model, not classes and percentages')
    .option('--json', 'print one list of JSON')
    .addOption(device())
    .addOption(deterministic())
    .addOption(matrices())
    .addOption(level())
    .action(predict);

  command('eval', 'judge a trained model on examples that it was not trained on', [
    'eval house.nn --weights house.safetensors',
    'eval flowers.nn --weights flowers.safetensors --data new.csv',
  ])
    .argument('<file>', 'the program')
    .requiredOption('--weights <file>', 'the weights (.safetensors)')
    .option('--data <file>', `judge by this file; by default by what the program holds out: ${DATA_FILES}`)
    .option('--json', 'print one object of JSON')
    .addOption(device())
    .addOption(level())
    .action(evaluateCommand);

  command('generate', 'let a trained model of text go on from a prompt', [
    'generate tale.nn --weights tale.safetensors --prompt "Once upon a time"',
    'generate tale.nn --weights tale.safetensors --tokens 500 --temperature 0.7 --top-k 20',
  ])
    .argument('<file>', 'the program')
    .requiredOption('--weights <file>', 'the weights (.safetensors)')
    .option('--prompt <text>', 'the beginning of the text')
    .addOption(new Option('--tokens <n>', 'how many tokens to make').default(200).argParser(whole(0)))
    .addOption(new Option('--temperature <t>', 'below 1: more likely tokens, 0: always the likeliest').default(1).argParser(number))
    .option('--top-k <k>', 'choose among the k likeliest tokens', whole(1))
    .option('--top-p <p>', 'choose among the likeliest tokens that together have this probability', number)
    .addOption(new Option('--seed <n>', 'seed of the choice').default(0).argParser(whole(0)))
    .addOption(device())
    .addOption(level())
    .action(generateCommand);

  command('check', 'check a program and show its layers, sizes and memory', ['check house.nn'])
    .argument('<file>', 'the program')
    .option('--data <file>', 'take the number of examples from this file')
    .option('--batch <n>', 'examples in one update', whole(1))
    .addOption(memory())
    .addOption(devices('what it is compiled for'))
    .addOption(level())
    .action(check);

  command('build', 'make a page that trains: a folder for any web server, or a single file', [
    'build house.nn -o house-page',
    'build house.nn --single-file -o house.html',
  ])
    .argument('<file>', 'the program')
    .requiredOption('-o, --out <path>', 'the folder, or the file')
    .option('--single-file', 'one file that opens from a disk, without a web server')
    .option('--data <file>', `train on this file: ${DATA_FILES}`)
    .option('--weights <file>', 'put these trained weights in')
    .addOption(devices('what the page can run on'))
    .addOption(level())
    .action(build);

  command('step', 'walk one step of training with all its numbers: forward, loss, backward, update', [
    'step house.nn',
    'step house.nn --rows 2',
  ])
    .argument('<file>', 'the program')
    .option('--data <file>', `take examples of this file: ${DATA_FILES}`)
    .option('--weights <file>', 'start from these weights (.safetensors)')
    .option('--seed <n>', 'seed of the initial weights', whole(0))
    .option('--rows <n>', 'examples of the step, the first ones of the data; 4 by default', whole(1))
    .action(stepCommand);

  command('draw', 'draw the net as a picture (SVG)', [
    'draw house.nn -o house.svg',
    'draw house.nn --weights house.safetensors -o house.svg',
  ])
    .argument('<file>', 'the program')
    .option('--weights <file>', 'show these trained weights in a small net')
    .option('-o, --out <file>', 'write the picture here; by default it is printed')
    .addOption(new Option('--theme <theme>', 'colours; auto follows the reader').choices(THEMES).default('auto'))
    .action(drawCommand);

  command('dump', 'print a stage of the compiler', [
    'dump house.nn --stage grad',
    'dump house.nn --stage fused --after simplify',
    'dump house.nn --stage wgsl',
  ])
    .argument('<file>', 'the program')
    .addOption(new Option('--stage <stage>', 'the stage').choices(STAGES).makeOptionMandatory())
    .option('--after <pass>', 'the graph after this pass (stage fused)')
    .option('--program <name>', 'of this program alone: train, predict, ... (stage fused)')
    .option('--why', 'what was fused and what was not, each with its reason (stage fused)')
    .option('--line <n>', 'only what is about this line of the program (with --why)', whole(1))
    .option('--data <file>', 'take the number of examples from this file')
    .addOption(devices('what it is compiled for'))
    .addOption(level())
    .action(dump);

  command('opt', 'run passes on a graph, and see what each of them does', [
    'opt house.graph --passes simplify,cse,dce --times',
    'opt house.graph --passes differentiate,simplify --diff',
    'opt failing.graph --passes simplify --reduce -o small.graph',
  ])
    .argument('<file>', 'graphs as nnc dump prints them (stages forward, grad, fused)')
    .option('--passes <names>', `in their order: ${Object.keys(PASSES).join(', ')}`, (text) => text.split(','), [])
    .option('--batch <n>', 'put this batch size in first', whole(1))
    .option('--diff', 'print what each pass takes away and adds, instead of the result')
    .option('--times', 'print a table of nodes and milliseconds besides')
    .option('--verify', 'hold the results after each pass against those before, on random numbers in float64')
    .option('--reduce', 'look for the smallest graph on which the passes fail as they do here, and print that')
    .option('-o, --output <file>', 'write the result to this file')
    .action(opt);

  command('gradcheck', 'check every gradient against float64 central differences', ['gradcheck house.nn'])
    .argument('<file>', 'the program')
    .option('--data <file>', 'use examples of this file')
    .option('--seed <n>', 'seed of weights and examples', whole(0))
    .addOption(new Option('--device <device>', 'there is none: gradients are checked in float64').hideHelp())
    .option('--report <file>', 'write a page with both numbers of every gradient, the bound and the line (.html)')
    .action(gradcheckCommand);

  command('grad', 'print derivatives as mathematics, as they are derived and simplified', [
    'grad house.nn',
    'grad curve.nn --of y --wrt x',
    'grad curve.nn --latex',
  ])
    .argument('<file>', 'the program')
    .option('--of <name>', 'what is differentiated; the loss where it is not said')
    .option('--wrt <name>', 'by what; every parameter where it is not said')
    .option('--latex', 'write LaTeX')
    .action(grad);

  command('verify', 'hold every kernel against the unfused graph and the float64 reference', ['verify house.nn'])
    .argument('<file>', 'the program')
    .option('--data <file>', 'take the number of examples from this file')
    .option('--batch <n>', 'examples in one update', whole(1))
    .option('--seed <n>', 'seed of the random values', whole(0))
    .addOption(
      new Option('--device <device>', 'which kernels; auto are those of every device').choices(['auto', 'gpu', 'cpu']).default('auto'),
    )
    .option('--report <file>', 'write a page with every number, its bound, its line and its kernel (.html)')
    .action(verify);

  command('fmt', 'format programs', ['fmt house.nn', 'fmt --check examples/*.nn'])
    .argument('<files...>', 'the programs')
    .option('--check', 'change nothing; fail if a file is not formatted')
    .action(fmt);

  command('tune', 'measure how each kernel of a program is fastest on the GPU here, and keep it for later runs', [
    'tune cnn.nn',
    'tune gpt.nn --batch 16',
  ])
    .argument('<file>', 'the program')
    .option('--data <file>', 'take the number of examples from this file')
    .option('--batch <n>', 'examples in one update', whole(1))
    .action(tune);

  command('play', 'open the site on this machine: pages to learn with, and a playground', ['play', 'play house.nn'])
    .argument('[file]', 'a program to begin the playground with')
    .option('--port <n>', 'the port; by default a free one', whole(1))
    .option('--no-open', 'only print the address')
    .action(play);

  command('doctor', 'show what nnc can run on here', ['doctor']).action(doctor);
  for (const c of nnc.commands) if (c.name() !== 'new' && c.options.some((o) => o.long === '--data')) takeFiles(c);
  for (const c of nnc.commands) refuseTwice(c);
  return nnc;
}
