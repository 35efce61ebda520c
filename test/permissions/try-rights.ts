import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '../stage/stack.ts';
import { RIGHTS_DOORS, type RightsDoors } from './rights-doors.ts';
import {
  askOverRest,
  type RightsCast,
  type RightsScene,
  setCast,
  setRightsScene,
} from './rights-scene.ts';
import type { RightsRow, RightsState, Standing } from './rights-table.ts';

type Door = 'rest' | 'frame';

const TRIES = 8;

/** Tries who has which right while conversations are in one state. */
export class RightsTrial {
  readonly #system: System;
  readonly #cast: RightsCast;
  readonly #state: RightsState;
  #scene: RightsScene | undefined;

  static async set(system: System, state: RightsState): Promise<RightsTrial> {
    return new RightsTrial(system, await setCast(system), state);
  }

  constructor(system: System, cast: RightsCast, state: RightsState) {
    this.#system = system;
    this.#cast = cast;
    this.#state = state;
  }

  /**
   * Tries every cell of a row through every door of its operation. Resolves with the answers that
   * were not the expected ones. What changes nothing, because it is refused, is tried first, and a
   * step that is carried out leaves its conversation to nobody else.
   */
  async tryRow({ operation, cells }: RightsRow): Promise<string[]> {
    const doors = RIGHTS_DOORS[operation];
    if (doors === undefined) throw new Error(`${operation} has no doors`);
    const problems: string[] = [];
    const all = Object.entries(cells) as [Standing, string][];
    const inOrder = [...all].sort(([, a], [, b]) => Number(a === 'ok') - Number(b === 'ok'));
    for (const [standing, expected] of inOrder) {
      for (const door of ['rest', 'frame'] as const) {
        if (doors[door] === undefined || (door === 'frame' && standing === 'service')) continue;
        this.#scene ??= await setRightsScene(this.#system, this.#cast, this.#state);
        const scene = this.#scene;
        const asked = { system: this.#system, door, doors, standing };
        const code = await patiently(() => codeOf(asked, scene));
        if (code !== expected) {
          problems.push(`${operation} by ${standing} (${door}): ${code}, not ${expected}`);
        }
        if (code === 'ok' && doors.isStep === true) this.#scene = undefined;
      }
    }
    return problems;
  }
}

type Asked = { system: System; door: Door; doors: RightsDoors; standing: Standing };
type Refused = { code: string; retryAfterS: number };

/** Tries again what a limit of rates refused. */
async function patiently(ask: () => Promise<Refused>): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const { code, retryAfterS } = await ask();
    if (code !== 'RATE_LIMITED' || tries === TRIES) return code;
    await delay(1_000 * retryAfterS);
  }
}

async function codeOf(
  { system, door, doors, standing }: Asked,
  { cast, targetOf }: RightsScene,
): Promise<Refused> {
  const target = targetOf(standing);
  const user = standing === 'service' ? undefined : cast[standing];
  if (door === 'frame') {
    const frame = doors.frame?.(target) ?? {};
    return refusedOf((await user?.client.ask(frame))?.error);
  }
  const call = doors.rest?.(target);
  if (call === undefined) throw new Error('there is no such door');
  const { status, body } = await askOverRest(system, user?.person, call);
  return refusedOf(status < 300 ? undefined : (body.error ?? { code: String(status) }));
}

function refusedOf(error: { code: string; retry_after?: number } | undefined): Refused {
  return { code: error?.code ?? 'ok', retryAfterS: error?.retry_after ?? 1 };
}
