import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { type SimulatedAmphora, type SimulatedVip, SimulatedWorld } from '../../src/provider/amphora/simulated/world.ts';

interface Kept {
  vips: SimulatedVip[];
  amphorae: SimulatedAmphora[];
}

/** A simulated world without delays that goes into a file when its process ends, as real amphorae outlive their operator. */
export class KeptWorld extends SimulatedWorld {
  readonly #file: string;
  readonly #uids = new Set<string>();

  /** What the file has, if it is there. */
  constructor(file: string) {
    super();
    this.#file = file;
    if (!existsSync(file)) return;
    const { vips, amphorae } = deserialize(readFileSync(file)) as Kept;
    for (const { uid, address, ports } of vips) this.addVip(uid, address).ports = ports;
    for (const amphora of amphorae) this.addAmphora(amphora).address = amphora.address;
  }

  override addVip(uid: string, wanted: string | undefined): SimulatedVip {
    this.#uids.add(uid);
    return super.addVip(uid, wanted);
  }

  override addAmphora(amphora: Omit<SimulatedAmphora, 'address'>): SimulatedAmphora {
    this.#uids.add(amphora.uid);
    return super.addAmphora(amphora);
  }

  save(): void {
    const uids = [...this.#uids];
    const kept: Kept = { vips: uids.flatMap((uid) => this.vip(uid) ?? []), amphorae: uids.flatMap((uid) => this.amphorae(uid)) };
    writeFileSync(this.#file, serialize(kept));
  }
}
