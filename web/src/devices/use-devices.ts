import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Device, Devices } from '../../../clients/js/src/devices/index.ts';
import { sayError } from '../parts/errors.ts';

export type KnownDevices = { list: readonly Device[]; ownId: string | undefined };
type Read = { known: KnownDevices | undefined; read: () => void; error: string | undefined };

/** Reads the devices of the user, at first and whenever `read` is called. */
export function useDevices(devices: Devices): Read {
  const [known, setKnown] = useState<KnownDevices>();
  const [error, setError] = useState<string>();
  const read = useCallback(() => {
    Promise.all([devices.list(), devices.ownId()]).then(
      ([list, ownId]) => setKnown({ list, ownId }),
      (thrown: unknown) => setError(sayError(thrown)),
    );
  }, [devices]);
  useEffect(read, [read]);
  return { known, read, error };
}
