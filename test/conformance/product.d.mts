// Types of product.mjs.
interface ConformanceTest {
  readonly name: string;
}

interface ConformanceResult {
  readonly ok: boolean;
  /** What was seen. */
  readonly got: string;
  /** This machine has not what the test needs. */
  readonly skipped?: boolean;
  /** The process ended during the test. */
  readonly crashed?: boolean;
}

export declare const conformanceTests: readonly ConformanceTest[];

export declare function startProduct(): Promise<{
  run(test: ConformanceTest): Promise<ConformanceResult>;
  stop(): Promise<void>;
}>;
