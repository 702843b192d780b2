/** Connections ever, over workers that come and go: what one has counted stays counted when it ends. */
export class Total {
  #ended = 0;
  #byWorker = new Map<string, number>();

  /** What each worker that there is has counted. `id` names it among those that this amphora has at one time. */
  add(workers: { id: string; total: number }[]): void {
    const now = new Map(workers.map(({ id, total }) => [id, total]));
    // One that has counted less than before is another that took its id.
    for (const [id, total] of this.#byWorker) if ((now.get(id) ?? -1) < total) this.#ended += total;
    this.#byWorker = now;
  }

  get value(): number {
    return [...this.#byWorker.values()].reduce((sum, total) => sum + total, this.#ended);
  }
}
