// A mail flow as a picture: boxes for addresses and destinations, lines for where mail goes. Every box and line can be reached
// by the keyboard and says by name what it is; who cannot see the picture hears it as a list.

import { Box, ScrollArea, useComputedColorScheme } from '@mantine/core';
import { useId, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { boxHeight, boxWidth, type Flow, type FlowEdge, type FlowKind, type PlacedNode, placeFlow } from './layout.ts';

/** Background, border and text of each kind, light and dark: at least 4.5 : 1 between text and background. */
const paints: Record<FlowKind, { readonly light: Paint; readonly dark: Paint }> = {
  door: { light: ['#e9ecef', '#868e96', '#212529'], dark: ['#2b2f33', '#868e96', '#f1f3f5'] },
  address: { light: ['#edf3ff', '#3b6fd9', '#14305f'], dark: ['#1b2740', '#608be0', '#dae4fa'] },
  group: { light: ['#f3f0ff', '#7048e8', '#2f1a75'], dark: ['#28204a', '#9775fa', '#e5dbff'] },
  list: { light: ['#f3f0ff', '#7048e8', '#2f1a75'], dark: ['#28204a', '#9775fa', '#e5dbff'] },
  mailbox: { light: ['#ebfbee', '#2b8a3e', '#11401c'], dark: ['#16301c', '#51cf66', '#d3f9d8'] },
  outside: { light: ['#fff9db', '#e67700', '#5c3300'], dark: ['#3a2c0c', '#fab005', '#fff3bf'] },
  refused: { light: ['#fff5f5', '#c92a2a', '#6b1010'], dark: ['#3d1a1a', '#ff6b6b', '#ffe3e3'] },
  dead: { light: ['#fff5f5', '#c92a2a', '#6b1010'], dark: ['#3d1a1a', '#ff6b6b', '#ffe3e3'] },
  discarded: { light: ['#f1f3f5', '#868e96', '#495057'], dark: ['#25282b', '#868e96', '#ced4da'] },
};
type Paint = readonly [background: string, border: string, text: string];

export interface FlowGraphProps {
  readonly flow: Flow;
  readonly label: string;
  readonly onNode?: (node: PlacedNode) => void;
  readonly onEdge?: (edge: FlowEdge) => void;
  readonly maxHeight?: number;
}

export function FlowGraph({ flow, label, onNode, onEdge, maxHeight = 640 }: FlowGraphProps) {
  const { t } = useTranslation();
  const scheme = useComputedColorScheme('light');
  const placed = useMemo(() => placeFlow(flow), [flow]);
  const byId = useMemo(() => new Map(placed.nodes.map((node) => [node.id, node])), [placed]);
  const arrow = useId();
  const line = scheme === 'dark' ? '#909296' : '#868e96';
  return (
    <Box>
      <ScrollArea.Autosize mah={maxHeight} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': label }}>
        <svg width={placed.width} height={placed.height} role="group" aria-label={label}>
          <defs>
            <marker id={arrow} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
              <path d="M0 0 8 4 0 8Z" fill={line} />
            </marker>
          </defs>
          {placed.edges.map((edge) => {
            const [from, to] = [byId.get(edge.from), byId.get(edge.to)];
            if (from === undefined || to === undefined) return null;
            const props = { edge, from, to, line, arrow, onEdge };
            return <Edge key={`${edge.from} ${edge.to} ${edge.label ?? ''}`} {...props} />;
          })}
          {placed.nodes.map((node) => (
            <Node key={node.id} node={node} paint={paints[node.kind][scheme]} onNode={onNode} />
          ))}
        </svg>
      </ScrollArea.Autosize>
      <ul className="visually-hidden" aria-label={t('The same as a list')}>
        {placed.edges.map((edge) => (
          <li key={`${edge.from} ${edge.to}`}>
            {byId.get(edge.from)?.title} → {byId.get(edge.to)?.title} {edge.label}
          </li>
        ))}
      </ul>
    </Box>
  );
}

interface NodeProps {
  readonly node: PlacedNode;
  readonly paint: Paint;
  readonly onNode: ((node: PlacedNode) => void) | undefined;
}

function Node({ node, paint: [background, border, text], onNode }: NodeProps) {
  const act = onNode === undefined ? {} : actions(() => onNode(node));
  const name = node.note === undefined ? node.title : `${node.title}, ${node.note}`;
  return (
    <g transform={`translate(${node.x} ${node.y})`} className="flow-node" aria-label={name} {...act}>
      <title>{name}</title>
      <rect width={boxWidth} height={boxHeight} rx={10} fill={background} stroke={border} strokeWidth={1.5} />
      <text x={12} y={node.note === undefined ? 31 : 22} fill={text} fontSize={13} fontWeight={600}>
        {shorten(node.title, 28)}
      </text>
      {node.note === undefined ? null : (
        <text x={12} y={40} fill={text} fontSize={11.5}>
          {shorten(node.note, 34)}
        </text>
      )}
    </g>
  );
}

interface EdgeProps {
  readonly edge: FlowEdge;
  readonly from: PlacedNode;
  readonly to: PlacedNode;
  readonly line: string;
  readonly arrow: string;
  readonly onEdge: ((edge: FlowEdge) => void) | undefined;
}

function Edge({ edge, from, to, line, arrow, onEdge }: EdgeProps) {
  const [x1, y1] = [from.x + boxWidth, from.y + boxHeight / 2];
  const [x2, y2] = [to.x - 2, to.y + boxHeight / 2];
  const bend = Math.max(24, Math.abs(x2 - x1) / 2);
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  const act = onEdge === undefined ? {} : actions(() => onEdge(edge));
  const name = `${from.title} → ${to.title}${edge.label === undefined ? '' : `: ${edge.label}`}`;
  return (
    <g className="flow-edge" aria-label={name} {...act}>
      <title>{name}</title>
      {/* Easier to hit than the line itself. */}
      <path d={path} fill="none" stroke="transparent" strokeWidth={14} />
      <path
        d={path}
        fill="none"
        stroke={edge.leavesHost ? '#e67700' : line}
        strokeWidth={1.6}
        strokeDasharray={edge.leavesHost ? '6 4' : undefined}
        markerEnd={`url(#${arrow})`}
      />
    </g>
  );
}

function actions(run: () => void) {
  return {
    role: 'button',
    tabIndex: 0,
    onClick: run,
    onKeyDown: (event: { readonly key: string; preventDefault(): void }) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      run();
    },
  } as const;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
