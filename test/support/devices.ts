/** Where tests by value run their graphs besides the reference; `npm run mutate` asks for fewer, since it runs them a hundred times. */
export const DEVICES = (['gpu', 'cpu'] as const).filter((d) => (process.env['NNC_TEST_DEVICES'] ?? 'gpu cpu').split(' ').includes(d));
