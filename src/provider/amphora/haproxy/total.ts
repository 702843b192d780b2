/** Connections ever, over workers that come and go: what one has counted stays counted when it ends. */
export class Total {
  #ended = 0;
  #byWorker = new Map<string, number>();

  /** What each worker that there is has counted. `id` names it among all that this amphora ever has. */
  add(workers: { id: string; total: number }[]): void {
    const now = new Map(workers.map(({ id, total }) => [id, total]));
    for (const [id, total] of this.#byWorker) if (!now.has(id)) this.#ended += total;
    this.#byWorker = now;
  }

  get value(): number {
    return [...this.#byWorker.values()].reduce((sum, total) => sum + total, this.#ended);
  }
}
