import type { DeviceRecord, DeviceSignOut, StoreOps } from '../../../shared/contracts/store-ops.ts';
import { queueName } from '../../../shared/contracts/subjects.ts';
import type { UserId } from '../../../shared/ids.ts';

type Serve = <Name extends keyof StoreOps>(
  op: Name,
  handle: (request: StoreOps[Name][0]) => StoreOps[Name][1],
) => void;

/** Plays what store knows of devices. */
export class ScriptedDevices {
  readonly seen = new Map<UserId, DeviceRecord[]>();
  /** Each device that was signed out, by the name of its queue, with the time. */
  readonly signedOut = new Map<string, string>();

  serve(serve: Serve): void {
    serve('devices.of', ({ user_id: id }) => ({ devices: this.seen.get(id) ?? [] }));
    serve('devices.signed_out', ({ user_id, device_id }) => {
      const at = this.signedOut.get(queueName(user_id, device_id));
      return at === undefined ? {} : { signed_out_at: at };
    });
    serve('devices.sign_out', (request) => this.#signOut(request));
  }

  #signOut({ user_id, device_id, has_queue }: DeviceSignOut): { signed_out: boolean } {
    const devices = this.seen.get(user_id) ?? [];
    const rest = devices.filter((device) => device.device_id !== device_id);
    if (!has_queue && rest.length === devices.length) return { signed_out: false };
    this.seen.set(user_id, rest);
    this.signedOut.set(queueName(user_id, device_id), new Date().toISOString());
    return { signed_out: true };
  }
}
