/** Whether someone asked a training to end, and the status that the process ends with then. */
export interface Stop {
  readonly aborted: boolean;
  readonly status: number;
}

/** The first Ctrl-C (or another request to end) stops the training after the steps on the device, the second one ends the process. */
export function untilInterrupted(): { readonly stop: Stop; readonly release: () => void } {
  const stop = { aborted: false, status: 0 };
  const interrupt = (signal: NodeJS.Signals): void => {
    const status = STATUS[signal as keyof typeof STATUS];
    if (stop.aborted) process.exit(status);
    Object.assign(stop, { aborted: true, status });
  };
  const signals = Object.keys(STATUS) as (keyof typeof STATUS)[];
  for (const s of signals) process.on(s, interrupt);
  return { stop, release: () => signals.forEach((s) => process.off(s, interrupt)) };
}

/** What shells expect of a program that a signal ended: 128 and the number of the signal. A closed terminal sends SIGHUP. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
