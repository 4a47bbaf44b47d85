import { CommanderError } from 'commander';
import { CODES } from '../base/codes.ts';
import { renderAll } from '../base/diagnostics.ts';
import { UserError, messageOf } from '../base/errors.ts';
import { DeviceError } from '../runtime/errors.ts';
import { commands } from './commands.ts';
import { releaseGpu } from '../node/gpu.ts';
import { catchSlips, FIRST_STEPS } from './slips.ts';
import { note } from './terminal.ts';

/** 0 success, 1 wrong program or data, 2 wrong call, 3 no device or a device failure, 70 a bug in nnc. */
function report(e: unknown): number {
  if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : 2;
  // Only absurdly deep nesting overflows the stack.
  if (e instanceof RangeError && e.message.includes('call stack')) {
    note('error[NN216]: the program is nested too deeply\n  = help: give names to its parts with let');
    return 1;
  }
  if (e instanceof UserError) {
    note(renderAll(e.diagnostics));
    return e.diagnostics.some((d) => d.code.startsWith('NN5')) ? 2 : 1;
  }
  if (e instanceof DeviceError) {
    note(`error[${e.code}]: ${CODES[e.code]}\n  = ${e.message}${e.help ? `\n  = help: ${e.help}` : ''}`);
    return 3;
  }
  const text = messageOf(e);
  note(`this is a bug in nnc: ${text}\n  = help: please report it with the program that shows it; NNC_DEBUG=1 prints where it happened`);
  if (process.env['NNC_DEBUG'] && e instanceof Error) note(e.stack ?? '');
  return 70;
}

// A reader that closes the pipe early, as in `nnc dump ... | head`, ends the program quietly.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (e: NodeJS.ErrnoException) => {
    // Work goes on: a closed pipe must not cost the weights of a run.
    if (e.code !== 'EPIPE') process.exitCode = 1;
  });
}

const args = process.argv.slice(2);
try {
  const all = commands();
  catchSlips(args, all.commands.map((c) => c.name()).concat('help'));
  if (args.length === 0) process.stdout.write(FIRST_STEPS);
  else await all.parseAsync(args[0] === 'version' ? ['--version'] : args, { from: 'user' });
} catch (e) {
  process.exitCode = report(e);
} finally {
  releaseGpu();
}
