/** A bundled worker, as the lines of its script: see build.mjs. */
declare module "worker:*" {
  const lines: readonly string[];
  export default lines;
}
