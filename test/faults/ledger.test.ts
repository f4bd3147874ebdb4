// The judgement itself: it sees what is lost, doubled, damaged or half done, and forgives only what RFC 5321 §6.1 allows.

import { describe, expect, test } from 'vitest';
import { type Arrival, type End, isClean, type Judgement, Ledger, type Outcome } from './ledger.ts';
import { addJudgements, formatJudgement } from './sums.ts';

const ends: readonly End[] = [
  { kind: 'mailbox', address: 'box', isPrompt: true },
  { kind: 'maildir', address: 'dir', isPrompt: false },
  { kind: 'smtp', address: 'far', isPrompt: false },
];
const sha256 = 'right';
const mailbox = { token: 't', kind: 'mailbox', address: 'box', sha256, where: 'in box' } as const;
const maildir = { token: 't', kind: 'maildir', address: 'dir', sha256, where: 'in dir' } as const;
const smtp = (at: number): Arrival => ({ token: 't', kind: 'smtp', address: 'far', sha256, where: 'far', at });
const all = [mailbox, maildir, smtp(5_000)];
/** The server was ended at 10 s; the next one could deliver from 10.5 s on. */
const cuts = [{ at: 10_000, until: 10_500 }];

function judge(arrivals: readonly Arrival[], outcome: Outcome = 'accepted', isDrained = true): Judgement {
  const ledger = new Ledger();
  ledger.begin('t', ends, sha256, 1).outcome = outcome;
  return ledger.judge(arrivals, { isDrained, cuts });
}

describe('the judgement of a fault run', () => {
  test('all there', () => {
    const judgement = judge(all);
    expect(isClean(judgement)).toBe(true);
    expect(judgement.reached).toMatchObject({ mailbox: 1, maildir: 1, smtp: 1, pipe: 0 });
    expect(formatJudgement(addJudgements(judgement, judgement))).toContain('smtp     2 due, 2 reached, 0 twice');
  });

  test.each<[string, readonly Arrival[], 'lost' | 'doubled' | 'damaged' | 'unexpected', Outcome]>([
    ['one end is missing', [mailbox, smtp(1)], 'lost', 'accepted'],
    ['half of what the client was not told', [mailbox], 'lost', 'unknown'],
    ['two copies in a Maildir', [...all, maildir], 'doubled', 'accepted'],
    ['two copies of what the client was not told', [...all, mailbox], 'doubled', 'unknown'],
    ['other bytes', [{ ...mailbox, sha256: 'wrong' }, maildir, smtp(1)], 'damaged', 'accepted'],
    ['at somebody else', [...all, { ...mailbox, address: 'other' }], 'unexpected', 'accepted'],
    ['refused and there', [smtp(1)], 'unexpected', 'absent'],
    ['twice without a cut', [mailbox, maildir, smtp(1_000), smtp(2_000)], 'doubled', 'accepted'],
    ['twice, the first long before the cut', [mailbox, maildir, smtp(7_000), smtp(12_000)], 'doubled', 'accepted'],
    ['twice after the cut', [mailbox, maildir, smtp(10_600), smtp(12_000)], 'doubled', 'accepted'],
    ['three times with one cut', [mailbox, maildir, smtp(9_900), smtp(11_000), smtp(12_000)], 'doubled', 'accepted'],
  ])('%s', (_, arrivals, problem, outcome) => {
    const judgement = judge(arrivals, outcome);
    expect(judgement[problem]).toHaveLength(1);
    expect(isClean(judgement)).toBe(false);
  });

  test('a second delivery around a cut is forgiven and counted', () => {
    const judgement = judge([mailbox, maildir, smtp(9_000), smtp(12_000)]);
    expect(isClean(judgement)).toBe(true);
    expect(judgement).toMatchObject({ again: { smtp: 1 }, windows: [1_000] });
    expect(isClean(judge([mailbox, maildir, smtp(10_100), smtp(12_000)]))).toBe(true);
  });

  test('while the queue works only prompt ends must be reached', () => {
    expect(isClean(judge([mailbox], 'accepted', false))).toBe(true);
    expect(judge([], 'accepted', false).lost).toHaveLength(1);
    expect(judge([], 'unknown')).toMatchObject({ unknownNotStored: 1, lost: [] });
  });
});
