// In place of state/background.ts: nothing is ever computed.

export class Background {
  compute = () => new Promise(() => {});
  stop() {}
}
