// The page's few pictures, drawn here so that no icon font or sprite has to be fetched.

const paths = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM14 8h6V4h-6zM4 20h6v-4H4z',
  domain: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  explain: 'M5 6h4M5 18h4M9 6c6 0 3 6 10 6M9 18c6 0 3-6 10-6M16 9l3 3-3 3',
  queue: 'M4 6h16M4 12h16M4 18h10',
  trace: 'M4 12h4l3-7 3 14 3-7h3',
  history: 'M12 7v5l3 2M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4',
  people: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M2 21c0-4 3-7 7-7s7 3 7 7M16 4a4 4 0 0 1 0 7M18 14c2.500 1 4 3.500 4 7',
  settings: 'M4 7h9M19 7h1M4 17h1M11 17h9M13 7a3 3 0 1 0 6 0 3 3 0 0 0-6 0M5 17a3 3 0 1 0 6 0 3 3 0 0 0-6 0',
  account: 'M3 6h18v12H3zM3 7l9 6 9-6',
  defence: 'M12 3 5 6v5c0 5 3 8 7 10 4-2 7-5 7-10V6zM9 12l2 2 4-4',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4 4-7 8-7s8 3 8 7',
  key: 'M14 10a4 4 0 1 0-4-4 4 4 0 0 0 .5 2L4 14.500V19h4v-2h2v-2l2.500-2.500',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2',
  dark: 'M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10',
  language: 'M4 5h8M8 3v2M5 9c1 3 4 5 7 6M11 5c-1 5-4 8-7 10M12 21l4-10 4 10M13.500 17.500h5',
  search: 'M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15 15l5 5',
  add: 'M12 5v14M5 12h14',
  remove: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  warning: 'M12 4 2.500 20h19zM12 10v4M12 17v.5',
  done: 'M5 12l5 5 9-10',
  wrong: 'M6 6l12 12M18 6 6 18',
  unknown: 'M9 9a3 3 0 1 1 4.500 2.600c-1 .600-1.500 1.200-1.500 2.400M12 18v.5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  server: 'M4 5h16v6H4zM4 13h16v6H4zM8 8v.010M8 16v.010',
  send: 'M4 12 20 4l-5 16-4-7zM11 13l9-9',
  hold: 'M9 5v14M15 5v14',
  release: 'M8 5l11 7-11 7z',
  again: 'M4 12a8 8 0 0 1 14-5.300L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.300L4 15M4 20v-5h5',
  back: 'M10 6 4 12l6 6M4 12h16',
  filter: 'M4 5h16l-6 8v6l-4-2v-4z',
  paste: 'M9 4h6v3H9zM9 5H5v16h14V5h-4M9 12h6M9 16h6',
  lock: 'M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3',
  wait: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
  bounce: 'M9 6 4 11l5 5M4 11h10a6 6 0 0 1 6 6v1',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.8} aria-hidden>
      <path d={paths[name]} strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
