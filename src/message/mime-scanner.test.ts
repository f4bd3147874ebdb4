import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MimeScanner, parseMessage } from './mime-scanner.ts';
import type { Part } from './part.ts';

function parse(text: string): Part {
  return parseMessage(Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1'));
}

function bodyOf(text: string, part: Part | undefined): string {
  if (part === undefined) throw new Error('no such part');
  return text.replaceAll('\n', '\r\n').slice(part.bodyFrom, part.end);
}

const nested =
  'Subject: s\nContent-Type: multipart/mixed; boundary=a\n\npre\n--a\n\none\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n' +
  '--ab\nContent-Type: text/html\n\n<b>\n\n--ab--\nepi\n--a\nContent-Type: message/rfc822\n\nSubject: in\n\ninside\n--a--\nend\n';

describe('MimeScanner', () => {
  it('finds parts with their octets', () => {
    const root = parse(nested);
    expect(root.children.map((part) => `${part.type}/${part.subtype}`)).toEqual([
      'text/plain',
      'multipart/alternative',
      'message/rfc822',
    ]);
    expect(bodyOf(nested, root.children[0])).toBe('one');
    expect(bodyOf(nested, root.children[1]?.children[0])).toBe('<b>\r\n');
    const inside = root.children[2]?.children[0];
    expect(bodyOf(nested, inside)).toBe('inside');
    expect(inside?.envelope?.subject).toBe('in');
    expect(root.end).toBe(nested.replaceAll('\n', '\r\n').length);
  });

  it('counts the lines of a body without the boundary’s', () => {
    const root = parse('Content-Type: multipart/mixed; boundary=q\n\n--q\n\na\nb\n\n--q--\n');
    expect(root.children[0]?.bodyLines).toBe(2);
    expect(parse('\na\nb\n').bodyLines).toBe(2);
  });

  it('takes a bare LF for a line end', () => {
    const root = parseMessage(Buffer.from('Content-Type: multipart/mixed; boundary=q\n\n--q\n\nhello\n--q--\n'));
    expect(root.children).toHaveLength(1);
    expect((root.children[0]?.end ?? 0) - (root.children[0]?.bodyFrom ?? 0)).toBe(5);
  });

  it('prefers the longest boundary', () => {
    const root = parse(
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--ab--\n--a--\n',
    );
    expect(root.children).toHaveLength(1);
    expect(root.children[0]?.children).toHaveLength(1);
  });

  it('gives the same structure however the octets are cut', () => {
    const bytes = Buffer.from(nested.replaceAll('\n', '\r\n'), 'latin1');
    const whole = parseMessage(bytes);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const scanner = new MimeScanner();
        let from = 0;
        for (const to of [...cuts.toSorted((left, right) => left - right), bytes.length]) {
          scanner.write(bytes.subarray(from, to));
          from = to;
        }
        expect(scanner.finish()).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps every part within its parent, whatever comes', () => {
    const line = fc.constantFrom(
      '--a',
      '--a--',
      '--ab',
      '',
      'x',
      'Content-Type: multipart/mixed; boundary=a',
      'Content-Type: message/rfc822',
      'Content-Type: multipart/digest; boundary=ab',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.constantFrom('\n', '\r\n'), (lines, lineEnd) => {
        checkNesting(parseMessage(Buffer.from(lines.join(lineEnd))));
      }),
      { numRuns: 300 },
    );
  });

  it('bounds depth and parts', () => {
    const deep = Array.from({ length: 500 }, () => 'Content-Type: message/rfc822\n\n').join('');
    let depth = 0;
    for (let part: Part | undefined = parse(deep); part !== undefined; part = part.children[0]) depth++;
    expect(depth).toBe(50);
    const wide = parse(`Content-Type: multipart/mixed; boundary=q\n\n${'--q\n\n'.repeat(20_000)}`);
    expect(wide.children.length).toBeLessThan(10_001);
  });

  it('is linear in what an attacker can choose', () => {
    const started = performance.now();
    const boundary = 'b'.repeat(200);
    parse(`Content-Type: multipart/mixed; boundary=${boundary}\n\n${`--${boundary.slice(1)}c\n`.repeat(20_000)}`);
    parse(`Subject: ${'\n '.repeat(200_000)}x\n\n`);
    parse('a\n'.repeat(500_000));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

function checkNesting(part: Part): void {
  expect(part.headerFrom).toBeLessThanOrEqual(part.bodyFrom);
  expect(part.bodyFrom).toBeLessThanOrEqual(part.end);
  let from = part.bodyFrom;
  for (const child of part.children) {
    expect(child.headerFrom).toBeGreaterThanOrEqual(from);
    expect(child.end).toBeLessThanOrEqual(Math.max(part.end, child.bodyFrom));
    from = child.end;
    checkNesting(child);
  }
}
