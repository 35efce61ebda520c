import { useMemo, useState } from 'preact/hooks';
import { type Device, Devices } from '../../../clients/js/src/devices/index.ts';
import { useSession } from '../app/session.ts';
import { Dialog } from '../parts/dialog.tsx';
import { useChange } from '../parts/use-change.ts';
import { PushSwitch } from './push-switch.tsx';
import { nameOfDevice, sayDevice } from './say-device.ts';
import { type KnownDevices, useDevices } from './use-devices.ts';

/** Shows the devices of the user, and signs them out. */
export function DevicesDialog({ onClose }: { onClose: () => void }) {
  const { chat, leave } = useSession();
  const devices = useMemo(() => new Devices(chat), [chat]);
  const { known, read, error } = useDevices(devices);
  const { change, isBusy, problem = error } = useChange();
  const signOut = async ({ device_id: id }: Device): Promise<void> => {
    if (id === known?.ownId) await change(() => chat.logout().then(leave));
    else if (await change(() => devices.signOut(id))) read();
  };
  return (
    <Dialog title="Your devices" onClose={onClose}>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {!known && !problem && <p>Loading …</p>}
      {known && <PushSwitch devices={devices} isOn={getsPushes(known)} onChanged={read} />}
      <ul class="devices" aria-label="Devices">
        {known?.list.map((device) => (
          <DeviceRow
            key={device.device_id}
            name={nameOfDevice(device, known.ownId)}
            device={device}
            isBusy={isBusy}
            onSignOut={() => void signOut(device)}
          />
        ))}
      </ul>
    </Dialog>
  );
}

function getsPushes({ list, ownId }: KnownDevices): boolean {
  return list.some(({ device_id: id, push }) => id === ownId && push !== undefined);
}

type RowProps = { name: string; device: Device; isBusy: boolean; onSignOut: () => void };

/** A sign-out cannot be taken back, so the button is pressed twice. */
function DeviceRow({ name, device, isBusy, onSignOut }: RowProps) {
  const [isSure, setSure] = useState(false);
  return (
    <li class="device">
      <div class="device-text">
        <span class="device-name">{name}</span>
        <span class="device-state">{sayDevice(device)}</span>
      </div>
      <button
        type="button"
        class={isSure ? 'button small danger' : 'button small'}
        aria-label={isSure ? `Really sign out ${name}?` : `Sign out ${name}`}
        disabled={isBusy}
        onClick={() => (isSure ? onSignOut() : setSure(true))}
      >
        {isSure ? 'Really?' : 'Sign out'}
      </button>
    </li>
  );
}
