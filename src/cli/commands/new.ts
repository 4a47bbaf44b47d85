import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fail } from '../../base/errors.ts';
import { suggesting } from '../../library/suggest.ts';
import { readColumns } from '../data-files.ts';
import { readUserFile, writeOutput } from '../files.ts';
import { EXAMPLES } from '../package.ts';
import { imageProgram } from '../new-images.ts';
import { print } from '../terminal.ts';

export interface NewFlags {
  readonly data?: string;
  readonly target?: string;
  readonly words?: readonly string[];
  readonly template?: keyof typeof TEMPLATES;
}

/** Examples that a project may start from: the program and the files that it reads. */
export const TEMPLATES = {
  regression: { about: 'a number from numbers: house prices', files: ['house.nn', 'house.csv'] },
  classes: { about: 'a kind from measures: flowers', files: ['flowers.nn', 'flowers.csv'] },
  images: { about: 'a digit from a picture', files: ['digits.nn'] },
  text: { about: 'a text that goes on: a small GPT', files: ['tale.nn', 'tale.txt'] },
} as const;

/** What the name of a table ends in. */
const TABLE = /\.(csv|tsv|jsonl?)$/i;

/** Starts a project: a program for the user's own table, or a copy of an example. */
export async function newCommand(name: string, flags: NewFlags): Promise<void> {
  if (flags.data === undefined && TABLE.test(name))
    fail('NN501', `${name} is a name for a table, and this is the name of the program to write`, {
      help: `to make a program for that table: nnc new ${basename(name).replace(TABLE, '')} --data ${name}`,
    });
  const program = name.endsWith('.nn') ? name : `${name}.nn`;
  if (existsSync(program)) fail('NN403', `${program} is there already`, { help: 'choose another name' });
  if (flags.data !== undefined && flags.template !== undefined)
    fail('NN501', '--data and --template both say what to start from', { help: 'keep one of them' });
  const weights = `${basename(program, '.nn')}.safetensors`;
  if (flags.data === undefined) {
    if (flags.words !== undefined) fail('NN501', '--words names columns of the file that --data names', { help: 'add --data FILE' });
    if (flags.target !== undefined) fail('NN501', '--target is a column of the file that --data names', { help: 'add --data FILE' });
    const { files } = TEMPLATES[flags.template ?? 'regression'];
    for (const [i, file] of files.entries()) {
      const to = i === 0 ? program : join(dirname(program), file);
      if (i > 0 && existsSync(to)) fail('NN403', `${to} is there already`, { help: 'start in another folder' });
      await writeOutput(to, await readUserFile(join(EXAMPLES, file)));
    }
    print(`${[program, ...files.slice(1)].join(', ')}: ${TEMPLATES[flags.template ?? 'regression'].about}`);
  } else if (statSync(flags.data, { throwIfNoEntry: false })?.isDirectory()) {
    const flag = flags.target === undefined ? (flags.words === undefined ? undefined : 'words') : 'target';
    if (flag !== undefined)
      fail('NN501', `--${flag} names columns of a table, and ${flags.data} is a folder of images`, { help: `take --${flag} away` });
    const { text, classes, remarks } = imageProgram(flags.data, relative(dirname(resolve(program)), resolve(flags.data)));
    await writeOutput(program, text);
    print(`${program}: tells the class of an image, one of ${classes.length}`);
    for (const remark of remarks) print(`  ${remark}`);
    print();
    print(text.trimEnd());
  } else {
    const place = relative(dirname(resolve(program)), resolve(flags.data));
    const steps = suggesting(place, { target: flags.target, words: flags.words });
    let step = steps.next();
    while (!step.done) step = steps.next(await readColumns(flags.data, step.value));
    const { text, target, kind, leftOut, remarks } = step.value;
    await writeOutput(program, text);
    print(`${program}: tells ${kind === 'classes' ? 'the class' : 'the number'} '${target}'`);
    for (const { column, why } of leftOut) print(`  without the column ${column}: ${why}`);
    for (const remark of remarks) print(`  ${remark}`);
    print();
    print(text.trimEnd());
  }
  print();
  print('What to do next:');
  print(`  nnc train ${program} --save ${weights}`);
  if (flags.data === undefined) return print(`  nnc check ${program}`);
  print(`  nnc eval ${program} --weights ${weights}`);
  const input = statSync(flags.data).isDirectory() ? '--data photo.png' : '--input "..."';
  print(`  nnc predict ${program} --weights ${weights} ${input}`);
}
