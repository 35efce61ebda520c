import { useEffect, useState } from 'preact/hooks';
import type { Devices } from '../../../clients/js/src/devices/index.ts';
import { useChange } from '../parts/use-change.ts';
import { canGetPushes, startPushWorker } from './browser-pushes.ts';

type Props = { devices: Devices; isOn: boolean; onChanged: () => void };

/** Lets this browser get notifications, where the server has web push. */
export function PushSwitch({ devices, isOn, onChanged }: Props) {
  const isPossible = useWebPush(devices);
  const { change, isBusy, problem } = useChange();
  const toggle = async (): Promise<void> => {
    const make = async (): Promise<unknown> => {
      const worker = await startPushWorker();
      return isOn ? devices.unsubscribe(worker) : devices.subscribe(worker);
    };
    if (await change(make)) onChanged();
  };
  if (!isPossible) return null;
  return (
    <>
      <label class="device">
        <span class="device-text">Notifications on this browser</span>
        <input type="checkbox" checked={isOn} disabled={isBusy} onChange={() => void toggle()} />
      </label>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

function useWebPush(devices: Devices): boolean {
  const [isPossible, setPossible] = useState(false);
  useEffect(() => {
    if (!canGetPushes()) return;
    devices.webPushKey().then(
      (key) => setPossible(key !== undefined),
      () => setPossible(false),
    );
  }, [devices]);
  return isPossible;
}
