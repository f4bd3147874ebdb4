// The colours of boxes and lines, light and dark: at least 4.5 : 1 between text and background, 3 : 1 for borders and lines (WCAG
// 2.2, 1.4.3 and 1.4.11).

import type { FlowChange, FlowKind } from './layout.ts';

export type Paint = readonly [background: string, border: string, text: string];
export type Scheme = 'light' | 'dark';

const grey = {
  light: ['#f1f3f5', '#868e96', '#343a40'],
  dark: ['#25282b', '#868e96', '#e9ecef'],
} as const;
const red = { light: ['#fff5f5', '#c92a2a', '#6b1010'], dark: ['#3d1a1a', '#ff6b6b', '#ffe3e3'] } as const;
const violet = { light: ['#f3f0ff', '#7048e8', '#2f1a75'], dark: ['#28204a', '#9775fa', '#e5dbff'] } as const;
const orange = { light: ['#fff9db', '#d9480f', '#5c3300'], dark: ['#3a2c0c', '#fab005', '#fff3bf'] } as const;

export const paints: Readonly<Record<FlowKind, Readonly<Record<Scheme, Paint>>>> = {
  door: { light: ['#212529', '#212529', '#ffffff'], dark: ['#e9ecef', '#e9ecef', '#16191d'] },
  address: { light: ['#edf3ff', '#3b6fd9', '#14305f'], dark: ['#1b2740', '#608be0', '#dae4fa'] },
  group: { light: ['#ffffff', '#3b6fd9', '#14305f'], dark: ['#1a1d21', '#608be0', '#dae4fa'] },
  list: violet,
  mailbox: { light: ['#ebfbee', '#2b8a3e', '#11401c'], dark: ['#16301c', '#51cf66', '#d3f9d8'] },
  program: { light: ['#e6fcf5', '#087f5b', '#06382a'], dark: ['#0d2e26', '#38d9a9', '#c3fae8'] },
  outside: orange,
  elsewhere: grey,
  refused: red,
  deferred: orange,
  failed: red,
  discarded: grey,
};

interface LinePaint {
  readonly usual: string;
  readonly leaving: string;
  readonly failed: string;
  readonly text: string;
  readonly dimmed: string;
  readonly halo: string;
}

export const lines: Readonly<Record<Scheme, LinePaint>> = {
  light: {
    usual: '#6b747d',
    leaving: '#d9480f',
    failed: '#c92a2a',
    text: '#212529',
    dimmed: '#495057',
    halo: '#ffffff',
  },
  dark: {
    usual: '#909296',
    leaving: '#fab005',
    failed: '#ff6b6b',
    text: '#e9ecef',
    dimmed: '#c1c2c5',
    halo: '#2e2e2e',
  },
};

export const changes: Readonly<Record<FlowChange, Readonly<Record<Scheme, string>>>> = {
  added: { light: '#2b8a3e', dark: '#51cf66' },
  removed: { light: '#c92a2a', dark: '#ff6b6b' },
  changed: { light: '#9c36b5', dark: '#da77f2' },
};

export const signs: Readonly<Record<FlowChange, string>> = { added: '+', removed: '−', changed: '≠' };
