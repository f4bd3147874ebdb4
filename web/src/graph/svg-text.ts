// A whole flow as an SVG file, for a ticket or a handbook. What stands in it is strangers' text: it is escaped, and nothing in it
// can run or fetch.

import { boxHeight, type PlacedEdge, type PlacedFlow, type PlacedNode } from './layout.ts';
import { changes, lines, paints, type Scheme, signs } from './paints.ts';
import { lettersIn, pathOf, shorten, shortenAddress, wordsAt } from './shapes.ts';

export function svgText(placed: PlacedFlow, title: string, scheme: Scheme): string {
  const { width, height, nodes, edges, isOutline } = placed;
  const ink = lines[scheme];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="${ink.halo}"/>`,
    `<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8Z" fill="${ink.usual}"/></marker></defs>`,
    ...edges.map((edge) => line(edge, scheme, isOutline)),
    ...nodes.map((node) => box(node, scheme)),
    '</svg>',
    '',
  ].join('\n');
}

function line(edge: PlacedEdge, scheme: Scheme, isOutline: boolean): string {
  const ink = lines[scheme];
  const { x, y } = wordsAt(edge, isOutline);
  const dash = dashOf(edge);
  const anchor = isOutline ? 'start' : 'middle';
  const words = [edge.words?.label, edge.words?.row].map((text, at) =>
    text === undefined
      ? ''
      : `<text x="${x}" y="${y + (at === 0 ? -5 : 13)}" font-size="11" text-anchor="${anchor}" fill="${ink.text}" stroke="${ink.halo}" stroke-width="4" paint-order="stroke">${escape(shorten(text, 30))}</text>`,
  );
  const stroke = `fill="none" stroke="${strokeOf(edge, scheme)}" stroke-width="1.6"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}`;
  return `<path d="${pathOf(edge, isOutline)}" ${stroke} marker-end="url(#end)"/>${words.join('')}`;
}

function box({ x, y, width, kind, title, note, change }: PlacedNode, scheme: Scheme): string {
  const [background, border, text] = paints[kind][scheme];
  const sign = change === undefined ? '' : `${signs[change]} `;
  const second =
    note === undefined
      ? ''
      : `<text x="12" y="40" font-size="11.5">${escape(shorten(note, lettersIn(width - 20, 11)))}</text>`;
  return `<g transform="translate(${x} ${y})" fill="${text}"><rect width="${width}" height="${boxHeight}" rx="10" fill="${background}" stroke="${border}" stroke-width="1.5"/><text x="12" y="${note === undefined ? 31 : 22}" font-size="13" font-weight="600">${escape(sign + shortenAddress(title, lettersIn(width - 20, 13)))}</text>${second}</g>`;
}

export function strokeOf({ change, leavesHost, isFailed, isMissing }: PlacedEdge, scheme: Scheme): string {
  if (change !== undefined) return changes[change][scheme];
  const ink = lines[scheme];
  if (isFailed) return ink.failed;
  return leavesHost && !isMissing ? ink.leaving : ink.usual;
}

export function dashOf({ leavesHost, isFailed, isMissing }: PlacedEdge): string | undefined {
  if (isMissing) return '2 5';
  if (isFailed) return '3 3';
  return leavesHost ? '8 4' : undefined;
}

/** Control characters, which XML has not (XML 1.0 §2.2), become a sign for them. */
function escape(text: string): string {
  return text
    .replaceAll(/[\u0000-\u001f\u007f\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
