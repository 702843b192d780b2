import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigurationRefused } from '../driver.ts';
import { MasterControl, parseProcesses, unixSocket } from './control.ts';
import { read } from './reading.ts';

const processes = (
  pid: number,
  reloads: number,
  failed = 0,
  old: number[] = [],
) => `#<PID>          <type>          <reloads>       <uptime>        <version>
900             master          ${reloads} [failed: ${failed}]   0d00h00m01s     3.0.11
# workers
${pid}             worker          0               0d00h00m01s     3.0.11
# old workers
${old.map((each) => `${each}             worker          1               0d00h00m09s     3.0.11\n`).join('')}# programs

`;

describe('a master', () => {
  let dir: string;
  let server: Server;
  const said: string[] = [];
  let answers: (line: string) => string | undefined;
  const control = (options?: { timeoutMs: number }) => new MasterControl(unixSocket(join(dir, 'm.sock')), options);

  /** Speaks as HAProxy 2.7 and later do, which the machine of the tests may not have; 2.6 is tested itself, under test/dataplane. */
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-control-'));
    server = createServer({ allowHalfOpen: true }, async (socket) => {
      const line = await text(socket);
      said.push(line);
      const answer = answers(line.trim());
      if (answer !== undefined) socket.end(answer);
    });
    await new Promise<void>((resolve) => server.listen(join(dir, 'm.sock'), resolve));
  });
  afterEach(async () => {
    server.close();
    said.length = 0;
    await rm(dir, { recursive: true, force: true });
  });

  test('that answers Success=1 has loaded it once the new worker is there', async () => {
    let reloaded = false;
    answers = (line) => {
      if (line === 'reload') reloaded = true;
      return line === 'reload' ? 'Success=1\n--\n[NOTICE] (1) : Loading success.\n' : processes(reloaded ? 902 : 901, reloaded ? 1 : 0);
    };
    expect(await control().reload()).toBe(902);
  });

  test('that answers Success=0 refused it, with its alerts as the message', async () => {
    answers = (line) =>
      line === 'reload'
        ? "Success=0\n--\n[NOTICE]   (9) : haproxy version is 3.0.11\n[ALERT]    (9) : config : parsing [haproxy.cfg:3] : unknown keyword 'x'\n"
        : processes(901, 0);
    const refused = await control()
      .reload()
      .catch((error) => error);
    expect(refused).toBeInstanceOf(ConfigurationRefused);
    expect(refused.message).toBe("parsing [haproxy.cfg:3] : unknown keyword 'x'");
  });

  test('is given a payload with an empty line at its end', async () => {
    answers = () => 'done\n';
    expect(await control().command('@1 set ssl cert a.pem', { payload: 'a\nb\n\n' })).toBe('done\n');
    expect(said).toEqual(['@1 set ssl cert a.pem <<\na\nb\n\n']);
  });

  test('that is silent is given up after a while, or on the signal', async () => {
    answers = () => undefined;
    await expect(control({ timeoutMs: 50 }).command('show proc')).rejects.toMatchObject({ name: 'TimeoutError' });
    const abort = new AbortController();
    const asked = control().worker('show info', abort.signal);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  test('that says more and more is given up, and what it has said is not kept', async () => {
    let written = 0;
    server.removeAllListeners('connection');
    server.on('connection', (socket) => {
      const more = () => {
        while (socket.writable && socket.write('x'.repeat(65_536))) written += 65_536;
      };
      socket.on('error', () => {}).on('drain', more);
      more();
    });
    const asked = control().worker('show info');
    await expect(asked).rejects.toThrow(
      'the answer to @1 show info has more than 1 MiB, which no HAProxy of a load balancer says: it was not read on',
    );
    await expect(control().worker('show stat')).rejects.toThrow('the answer to @1 show stat has more than 32 MiB');
    await expect(control().session((master) => master.processes())).rejects.toThrow('the answer to prompt has more than 1 MiB');
    // Beside what the kernel holds for a reader that has gone.
    expect(written).toBeLessThan(40 * 2 ** 20);
  });

  test('of very many members is heard to the end', async () => {
    const table = `${'x'.repeat(699)}\n`.repeat(64 * 512);
    answers = () => table;
    expect(await control().worker('show stat')).toBe(table);
    expect(await control().worker('show servers state')).toBe(table);
  });

  describe('in a session', () => {
    const peaceful = (line: string) => (line.startsWith('@1 ') ? `${line.slice(3)} is it\n\n` : processes(901, 0));
    /** As a master in its interactive mode: what it says last is its prompt. In pieces, as over a network. */
    const interactive = (answer: (line: string) => string | undefined, prompt = 'master> ', pieceLength = 7) => {
      const pieces = new RegExp(`[\\s\\S]{1,${pieceLength}}`, 'g');
      server.removeAllListeners('connection');
      server.on('connection', async (socket) => {
        said.push('connected');
        for await (const line of createInterface(socket)) {
          const answered = line === 'prompt' ? '' : answer(line);
          if (answered === undefined) return void socket.destroy();
          for (const piece of `${answered}${prompt}`.match(pieces) ?? []) {
            socket.write(piece);
            await new Promise(setImmediate);
          }
        }
      });
    };

    test('answers one thing after another over one connection', async () => {
      interactive(peaceful);
      const asked = control().session((master) => Promise.all([master.worker('a'), master.processes(), master.worker('b')]));
      expect(await asked).toEqual(['a is it\n\n', { workers: [{ pid: 901, old: false }], reloads: 0, failedReloads: 0 }, 'b is it\n\n']);
      expect(said).toEqual(['connected']);
    });

    test('says in its prompt that a reload has failed, which is no part of an answer', async () => {
      interactive(peaceful, 'master[ReloadFailed]> ');
      expect(await control().session(({ worker }) => worker('a'))).toBe('a is it\n\n');
    });

    test('that it ends leaves a question without an answer', async () => {
      interactive((line) => (line.endsWith('b') ? undefined : peaceful(line)));
      const asked = control().session(async ({ worker }) => [await worker('a'), await worker('b')]);
      await expect(asked).rejects.toThrow('the connection ended before the answer to @1 b');
    });

    test('and whose worker is gone is an error', async () => {
      interactive(() => "Can't find the target PID matching the prefix '@!7'\n");
      await expect(control().session((master) => master.workerOf(7)('show info'))).rejects.toThrow('there is no worker @!7');
    });

    test('says more than can be an answer, and is asked no more', async () => {
      interactive((line) => (line.endsWith('b') ? 'x'.repeat(2 ** 20) : peaceful(line)), 'master> ', 65_536);
      const asked = control().session(({ worker }) => Promise.allSettled([worker('a'), worker('b'), worker('c')]));
      const tooLong = { reason: { message: expect.stringContaining('the answer to @1 b has more than 1 MiB') } };
      expect(await asked).toMatchObject([{ value: 'a is it\n\n' }, tooLong, tooLong]);
    });

    test('that counts more workers than it can have is not asked about each', async () => {
      const old = Array.from({ length: 257 }, (_, i) => 1000 + i);
      interactive((line) => (line === 'show proc' ? processes(901, 300, 0, old) : peaceful(line)), 'master> ', 65_536);
      await expect(read(control(), [])).rejects.toThrow('HAProxy says that 257 workers are left of reloads, more than it can have');
      expect(said).toEqual(['connected']);
    });

    test('that is silent is given up', async () => {
      interactive(() => '', '');
      await expect(control({ timeoutMs: 50 }).session(({ worker }) => worker('b'))).rejects.toMatchObject({ name: 'TimeoutError' });
    });

    test('takes one line as one command', async () => {
      interactive(peaceful);
      await expect(control().session(({ ask }) => ask('show proc\nreload'))).rejects.toThrow('a command is one line');
    });
  });

  test('that is not there is an error at once', async () => {
    await expect(new MasterControl(unixSocket(join(dir, 'nobody.sock'))).processes()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('takes one line as one command', async () => {
    await expect(control().command('show proc\nreload')).rejects.toThrow('a command is one line');
  });
});

test('show proc tells workers from those that a reload left behind', () => {
  expect(parseProcesses(processes(901, 3, 2, [880, 890]))).toEqual({
    workers: [
      { pid: 901, old: false },
      { pid: 880, old: true },
      { pid: 890, old: true },
    ],
    reloads: 3,
    failedReloads: 2,
  });
});
