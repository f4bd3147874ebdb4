// Where the boxes of a picture stand, what is grouped, and what a downloaded picture holds: without a browser.

import { describe, expect, test } from 'vitest';
import {
  type DomainFlow,
  drawnMap,
  type GroupWords,
  knownAddresses,
  mapCounts,
} from '../../web/src/graph/domain-flow.ts';
import { compareFlows, withMissing } from '../../web/src/graph/explanation-flow.ts';
import type { FlowWords } from '../../web/src/graph/flow-words.ts';
import { boxHeight, type Flow, type FlowEdge, placeFlow } from '../../web/src/graph/layout.ts';
import { placeOutline } from '../../web/src/graph/outline.ts';
import { svgText } from '../../web/src/graph/svg-text.ts';

const words: FlowWords = {
  kind: (kind) => kind,
  state: (state) => state,
  stage: (stage) => stage,
  change: (change) => change,
};
const groupWords: GroupWords = {
  mailboxes: (count) => `${count} mailboxes`,
  sameTargets: (count) => `${count} alike`,
  aliases: (count) => `${count} aliases`,
  targets: (count) => `${count} targets`,
  opens: 'open',
  closes: 'close',
};

function flow(...lines: readonly string[]): Flow {
  const edges = lines.map((line): FlowEdge => {
    const [from = '', to = ''] = line.split(' > ');
    return { from, to };
  });
  const ids = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  return { nodes: ids.map((id) => ({ id, kind: 'address', title: id })), edges };
}

describe('the layout', () => {
  test('puts each box behind all that lead to it, and none over another', () => {
    const placed = placeFlow(flow('a > b', 'b > c', 'a > c', 'a > d', 'd > e', 'c > e', 'x > c'));
    const at = Object.fromEntries(placed.nodes.map((node) => [node.id, node]));
    for (const { from, to } of placed.edges) expect(at[to]?.column).toBeGreaterThan(at[from]?.column ?? 0);
    expect([at['a']?.column, at['b']?.column, at['c']?.column, at['e']?.column]).toEqual([0, 1, 2, 3]);
    for (const one of placed.nodes) {
      for (const other of placed.nodes) {
        if (one === other || one.column !== other.column) continue;
        expect(Math.abs(one.y - other.y)).toBeGreaterThanOrEqual(boxHeight);
      }
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.y + boxHeight).toBeLessThanOrEqual(placed.height);
      expect(one.x + one.width).toBeLessThanOrEqual(placed.width);
    }
  });

  test('draws a circle once, with the line that closes it marked', () => {
    const placed = placeFlow(flow('door > a', 'a > b', 'b > c', 'c > a'));
    expect(placed.edges.filter(({ isBack }) => isBack).map(({ from, to }) => `${from} ${to}`)).toEqual(['c a']);
    expect(placed.nodes).toHaveLength(4);
  });

  test('is the same for the same flow', () => {
    const one = flow('a > b', 'c > b', 'a > d');
    expect(placeFlow(one)).toEqual(placeFlow(one));
  });

  test('takes a chain of thousands, and places a thousand boxes within 100 ms', () => {
    const chain = flow(...Array.from({ length: 5000 }, (_, at) => `n${at} > n${at + 1}`));
    expect(placeFlow(chain).nodes.at(-1)?.column).toBe(5000);
    const lines = Array.from({ length: 1000 }, (_, at) => `a${at % 500} > m${(at * 7) % 500}`);
    const wide = flow(...lines);
    expect(wide.nodes).toHaveLength(1000);
    // The best of some: the machine has other work.
    const times = Array.from({ length: 8 }, () => {
      const begun = performance.now();
      placeFlow(wide);
      return performance.now() - begun;
    });
    expect(Math.min(...times)).toBeLessThan(100);
  });

  test('as an outline every box is within the width, and what comes twice is referred to', () => {
    const placed = placeOutline(flow('door > a', 'a > b', 'a > c', 'b > m', 'c > m', 'm > a'), 328);
    expect(placed.nodes.filter(({ copy }) => copy !== undefined).map(({ id }) => id)).toEqual(['a', 'm']);
    for (const { x, width } of placed.nodes) expect(x + width).toBeLessThanOrEqual(328);
    const rows = placed.nodes.map(({ y }) => y);
    expect(new Set(rows).size).toBe(rows.length);
    expect(placed.edges).toHaveLength(6);
  });
});

describe('two flows', () => {
  test('are compared line by line: new, gone, otherwise decided', () => {
    const before: Flow = {
      ...flow('a > b', 'a > c'),
      edges: [
        { from: 'a', to: 'b', row: '1' },
        { from: 'a', to: 'c' },
      ],
    };
    const after: Flow = {
      ...flow('a > b', 'a > d'),
      edges: [
        { from: 'a', to: 'b', row: '2' },
        { from: 'a', to: 'd' },
      ],
    };
    const { changes, before: old, after: now } = compareFlows(before, after);
    expect(changes.map(({ change, edge }) => `${change} ${edge.to}`).toSorted()).toEqual([
      'added d',
      'changed b',
      'removed c',
    ]);
    expect(old.nodes.find(({ id }) => id === 'c')?.change).toBe('removed');
    expect(now.nodes.find(({ id }) => id === 'd')?.change).toBe('added');
    expect(compareFlows(before, before).changes).toEqual([]);
  });

  test('what does not arrive is a dotted line to the box that was expected', () => {
    const missing = withMissing(flow('door > address a@x'), 'a@x', 'B@x', words);
    expect(missing.edges.at(-1)).toMatchObject({ from: 'address a@x', to: 'mailbox b@x', isMissing: true });
    expect(missing.nodes.at(-1)?.title).toBe('B@x');
  });
});

function told(aliases: readonly (readonly [string, readonly string[]])[], plain: readonly string[]): DomainFlow {
  const boxes = new Set(aliases.flatMap(([, targets]) => targets));
  return {
    domain: 'x.test',
    nodes: [
      ...aliases.map(([title]) => ({ name: `address ${title}`, kind: 'address' as const, title })),
      ...[...boxes].map((title) => ({ name: `mailbox ${title}`, kind: 'mailbox' as const, title })),
    ],
    edges: aliases.flatMap(([from, targets]) =>
      targets.map((to) => ({ from: `address ${from}`, to: `mailbox ${to}`, stage: 'virtual-alias' })),
    ),
    plain,
    isCut: false,
    rows: aliases.length + plain.length,
  };
}

describe('the map of a domain', () => {
  const same = Array.from({ length: 300 }, (_, at) => [`s${at}@x.test`, ['m1@x.test', 'm2@x.test']] as const);
  const own = Array.from({ length: 200 }, (_, at) => [`o${at}@x.test`, [`p${at}@x.test`]] as const);
  const plain = Array.from({ length: 500 }, (_, at) => `q${at}@x.test`);
  const large = told([...same, ...own], plain);
  const all = { open: new Set<string>(), only: 'all' as const };

  test('of a thousand addresses has few boxes until they are opened', () => {
    const closed = drawnMap(large, all, words, groupWords);
    expect(closed.nodes.length).toBeLessThan(12);
    expect(closed.nodes.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['500 mailboxes', '300 alike', '200 aliases']),
    );
    const group = closed.nodes.find(({ title }) => title === '300 alike')?.id ?? '';
    const opened = drawnMap(large, { ...all, open: new Set([group, 'group plain']) }, words, groupWords);
    expect(opened.nodes.length).toBeGreaterThan(800);
    for (const { from, to } of opened.edges) {
      expect(opened.nodes.some(({ id }) => id === from) && opened.nodes.some(({ id }) => id === to)).toBe(true);
    }
  });

  test('around an address shows what leads to it and where it leads, and nothing else', () => {
    const near = drawnMap(large, { ...all, focus: 'P7@x.test' }, words, groupWords);
    expect(near.nodes.map(({ title }) => title).toSorted()).toEqual(['o7@x.test', 'p7@x.test']);
    expect(drawnMap(large, { ...all, focus: 'q3@x.test' }, words, groupWords).nodes).toHaveLength(1);
    expect(drawnMap(large, { ...all, focus: 'none@x.test' }, words, groupWords).nodes).toHaveLength(0);
  });

  test('shows only what leaves, or only what is to be looked at, with what leads there', () => {
    const base = told([['a@x.test', ['m@x.test']]], []);
    const with3: DomainFlow = {
      ...base,
      nodes: [
        ...base.nodes,
        { name: 'outside', kind: 'outside', title: 'smtp:far.test' },
        { name: 'address b@x.test', kind: 'address', title: 'b@x.test' },
        { name: 'mailbox lost@x.test', kind: 'mailbox', title: 'lost@x.test', state: 'missing' },
        { name: 'address c@x.test', kind: 'address', title: 'c@x.test' },
      ],
      edges: [
        ...base.edges,
        { from: 'address b@x.test', to: 'outside', stage: 'delivery', leavesHost: true },
        { from: 'address c@x.test', to: 'mailbox lost@x.test', stage: 'delivery' },
      ],
    };
    const titles = (only: 'leaving' | 'problems' | 'aliases') =>
      drawnMap(with3, { ...all, only }, words, groupWords)
        .nodes.map(({ title }) => title)
        .toSorted();
    expect(titles('leaving')).toEqual(['b@x.test', 'smtp:far.test']);
    expect(titles('problems')).toEqual(['c@x.test', 'lost@x.test']);
    expect(titles('aliases')).toEqual(['a@x.test', 'm@x.test']);
    expect(mapCounts(with3)).toEqual({ problems: 1, leaving: 1, addresses: 3 });
    expect(knownAddresses(with3)).toContain('lost@x.test');
  });
});

test('a downloaded picture holds strangers texts as text', () => {
  const evil = '<script>alert(1)</script>"&\u0007@x.test';
  const nodes = [
    { id: 'a', kind: 'address' as const, title: evil, note: evil },
    { id: 'b', kind: 'mailbox' as const, title: 'b' },
  ];
  const text = svgText(placeFlow({ nodes, edges: [{ from: 'a', to: 'b', label: evil, row: evil }] }), evil, 'light');
  expect(text).not.toMatch(/<script|\u0007/);
  expect(text).toContain('&lt;script&gt;');
  expect(text.startsWith('<?xml')).toBe(true);
});
