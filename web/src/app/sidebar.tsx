import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { AvailabilitySwitch } from '../business/availability-switch.tsx';
import { DevicesDialog } from '../devices/devices-dialog.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Menu } from '../parts/menu.tsx';
import { ConnectionBadge, ConnectionStrip, OfflineSwitch } from './connection.tsx';
import type { Place } from './place.ts';
import { Places } from './places.tsx';
import { useSession } from './session.ts';

/** The left side says who one is and how the connection stands, and shows a list. */
export function Sidebar({ place, children }: { place: Place; children: ComponentChildren }) {
  const { userId, nameOf, leave, worksFor } = useSession();
  const name = nameOf(userId) ?? 'You';
  const [showsDevices, setShowsDevices] = useState(false);
  return (
    <aside class="sidebar" aria-label="Conversations">
      <header class="self">
        <Avatar id={userId} name={name} />
        <div class="self-text">
          <h1 class="self-name" dir="auto">
            {name}
          </h1>
          <ConnectionBadge />
        </div>
        <OfflineSwitch />
        <Menu
          label="More"
          icon="more"
          items={[
            { label: 'Your devices', icon: 'info', onSelect: () => setShowsDevices(true) },
            { label: 'Be somebody else', icon: 'leave', onSelect: leave },
          ]}
        />
      </header>
      {showsDevices && <DevicesDialog onClose={() => setShowsDevices(false)} />}
      <ConnectionStrip />
      {worksFor.length > 0 && <Places place={place} />}
      {place.kind === 'inbox' && <AvailabilitySwitch businessId={place.businessId} />}
      {children}
    </aside>
  );
}
