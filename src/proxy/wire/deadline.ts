// A time-out that is set again and again on one connection: one timer for all of them, made when it is first needed. Disarming
// is a flag, so that what comes in time costs nothing; the timer then fires once for nobody.

export class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #armed = false;
  readonly #fire = () => {
    if (!this.#armed) return;
    this.#armed = false;
    this.late();
  };

  constructor(
    private readonly ms: number,
    private readonly late: () => void,
  ) {}

  get armed(): boolean {
    return this.#armed;
  }

  /** Counts from now. */
  arm(): void {
    this.#armed = true;
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(this.#fire, this.ms).unref();
  }

  disarm(): void {
    this.#armed = false;
  }

  /** It lets go of the connection. */
  close(): void {
    this.#armed = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
