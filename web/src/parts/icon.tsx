const STROKES = {
  alert: 'M12 8v5m0 3.5v.01M12 3l9.5 17h-19z',
  archive: 'M3 5h18v4H3zm2 4v10h14V9m-9 4h4',
  attach:
    'm20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7L9.5 17a1.7 1.7 0 0 1-2.4-2.4L14 7.5',
  back: 'm14.5 5-7 7 7 7',
  building: 'M4 21V5l9-2v18m0-12 7 2v10M2.5 21h19M8 8v.01M8 12v.01M8 16v.01M16.5 14v.01',
  chat: 'M4 5h16v11H11l-5 4v-4H4z',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  checks: 'm2.5 12.5 4.5 4.5L16 7.5m-4 8.5 1 1 9-9.5',
  clock: 'M12 7v5.5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  close: 'm6 6 12 12M18 6 6 18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  down: 'M12 5v14m6-6-6 6-6-6',
  edit: 'M4 20h4L19.5 8.5l-4-4L4 16zm9-13 4 4',
  file: 'M6 3h8l4 4v14H6zm8 0v4h4',
  image: 'M4 5h16v14H4zm0 11 5-5 4 4 2.5-2.5L20 17M15.5 9v.01',
  inbox: 'M4 13 6.5 5h11L20 13v6H4zm0 0h5l1 2.5h4l1-2.5h5',
  info: 'M12 11v5.5M12 7.5v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  leave: 'M14 4H5v16h9m-4-8h11m-4-4 4 4-4 4',
  more: 'M4 12h2M11 12h2M18 12h2',
  mute: 'M6 16.5V11a6 6 0 0 1 9-5.2M18 9v7.5H8M10.5 20h3M4 4l16 16',
  people: 'M15.5 8a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0zM4.5 20c0-4 3-6.5 7.5-6.5s7.5 2.5 7.5 6.5',
  plus: 'M12 5v14M5 12h14',
  reply: 'm10 6-6 6 6 6v-4c5 0 8 1 10 4 0-6-4-8-10-8z',
  retry: 'M19.5 12A7.5 7.5 0 1 1 17 6.5L19.5 9M19.5 4v5h-5',
  search: 'm15.5 15.5 5 5M17.5 10.5a7 7 0 1 1-14 0 7 7 0 0 1 14 0z',
  send: 'M4 12 20 4l-5 16-4-6.5zm7 1.5L20 4',
  smile: 'M9 10v.01M15 10v.01M8.5 14.5c1.5 2.5 5.5 2.5 7 0M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  trash: 'M4.5 7h15M9.5 7V4h5v3m-8 0 1 13h9l1-13m-7 4v5.5m3-5.5v5.5',
  voice: 'M9.5 6a2.5 2.5 0 0 1 5 0v5.5a2.5 2.5 0 0 1-5 0zM6 11.5a6 6 0 0 0 12 0m-6 6V21',
} as const;

export type IconName = keyof typeof STROKES;

/** Draws a sign in the colour of the text. It says nothing to a screen reader. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={STROKES[name]} />
    </svg>
  );
}
