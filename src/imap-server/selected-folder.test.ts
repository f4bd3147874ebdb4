import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FolderChange, MessageRow } from '../mailstore/types.ts';
import { FolderView, hasFlag } from './folder-view.ts';
import { matchesPattern } from './mailbox-pattern.ts';
import { SelectedFolder } from './selected-folder.ts';

function newView(): FolderView {
  return new FolderView({
    id: 1,
    mailbox: 1,
    name: 'INBOX',
    specialUse: null,
    subscribed: true,
    selectable: true,
    uidValidity: 1,
    uidNext: 1,
    modseq: 1,
    keywords: ['$a', '$b'],
  });
}

function row(uid: number): MessageRow {
  return { uid, modseq: uid, flags: 0, size: 1, internalDate: 0, content: uid };
}

function change(part: Partial<FolderChange>): FolderChange {
  return { folder: 1, mailbox: 1, uidNext: 1, modseq: 1, added: [], flagged: [], expunged: [], ...part };
}

/** As folder-views.ts does it. */
function apply(view: FolderView, part: Partial<FolderChange>): void {
  const removed = view.apply(change(part));
  for (const listener of view.listeners) listener(removed);
}

describe('FolderView', () => {
  it('takes a notice twice without harm', () => {
    const view = newView();
    const notice = {
      added: [row(1), row(2), row(3)],
      expunged: [2],
      flagged: [{ uid: 3, flags: 4, modseq: 9 }],
      modseq: 9,
    };
    apply(view, notice);
    apply(view, notice);
    expect([view.count, view.uidAt(0), view.uidAt(1), view.flagsAt(1), view.modseq]).toEqual([2, 1, 3, 4, 9]);
  });

  it('knows flags beyond 32 bits', () => {
    const bits = 2 ** 52 + 1;
    expect(hasFlag(bits, 2 ** 52)).toBe(true);
    expect(hasFlag(bits, 2 ** 51)).toBe(false);
    expect(newView().flagsText(1 + 2 ** 6)).toBe('\\Seen $b');
    expect(newView().flagBit('$B')).toBe(2 ** 6);
    expect(newView().flagBit('$none')).toBe(0);
  });
});

describe('SelectedFolder', () => {
  it('keeps sequence numbers until the client may be told', () => {
    const view = newView();
    apply(view, { added: [row(1), row(2), row(3)] });
    const selected = new SelectedFolder(view, 'INBOX', false, () => {});
    apply(view, { expunged: [2], added: [row(4)] });
    expect([selected.count, selected.uidAt(2), selected.sequenceOf(3), selected.uidAt(3)]).toEqual([3, 2, 3, 3]);
    expect(selected.uidsOf([{ from: 2, to: 3 }], false)).toEqual({ uids: [3], hasGhosts: true });
    expect(selected.takeArrived()).toBe(4);
    expect(selected.takeExpunged()).toEqual([2]);
    expect([selected.count, selected.sequenceOf(4)]).toEqual([3, 3]);
  });

  it('never tells of messages that came and went unseen', () => {
    const view = newView();
    const selected = new SelectedFolder(view, 'INBOX', false, () => {});
    apply(view, { added: [row(1), row(2)] });
    apply(view, { expunged: [1] });
    expect(selected.takeExpunged()).toEqual([]);
    expect(selected.takeArrived()).toBe(1);
  });

  it('counts like a client that believes what it is told', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('expunge' as const), picks: fc.array(fc.nat(30), { maxLength: 5 }) }),
      fc.record({ kind: fc.constant('announce' as const), all: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const view = newView();
        const selected = new SelectedFolder(view, 'INBOX', false, () => {});
        let next = 1;
        let client: number[] = [];
        const alive = new Set<number>();
        for (const action of steps) {
          if (action.kind === 'add') {
            const rows = Array.from({ length: action.count }, () => row(next++));
            for (const { uid } of rows) alive.add(uid);
            apply(view, { added: rows });
          } else if (action.kind === 'expunge') {
            const uids = action.picks.filter((uid) => alive.delete(uid));
            apply(view, { expunged: uids });
          } else {
            if (action.all) for (const sequence of selected.takeExpunged()) client.splice(sequence - 1, 1);
            const count = selected.takeArrived();
            if (count !== undefined)
              client = Array.from({ length: count }, (_, index) => client[index] ?? selected.uidAt(index + 1));
          }
          expect(selected.count).toBe(client.length);
          for (const [index, uid] of client.entries()) {
            expect(selected.uidAt(index + 1)).toBe(uid);
            expect(selected.sequenceOf(uid)).toBe(index + 1);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('matchesPattern', () => {
  it.each([
    ['*', 'a/b', true],
    ['%', 'a/b', false],
    ['%/%', 'a/b', true],
    ['a*b%', 'a/x/bc', true],
    ['a*b%', 'a/x/b/c', false],
    ['inbox', 'INBOX', true],
    ['', '', true],
    ['%*%', 'a/b', true],
  ])('%s matches %s: %s', (pattern, name, expected) => {
    expect(matchesPattern(pattern, name)).toBe(expected);
  });

  it('takes bounded time', () => {
    const started = performance.now();
    matchesPattern('*a%'.repeat(300), 'a'.repeat(255));
    expect(performance.now() - started).toBeLessThan(500);
  });
});
