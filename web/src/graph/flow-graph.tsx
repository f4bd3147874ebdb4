// A mail flow as a picture: boxes for addresses and destinations, lines for where mail goes. Every box and line can be reached by
// the keyboard and says by name what it is. Only what is in sight exists, so that a thousand addresses stay smooth; on a
// narrow screen a small flow is an outline, one box under the other.

import { ActionIcon, Box, Group, Tooltip, useComputedColorScheme } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { memo, useId, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon, type IconName } from '../parts/icon.tsx';
import { shownFlow } from './flow-words.ts';
import {
  boxHeight,
  type Flow,
  type FlowEdge,
  type PlacedEdge,
  type PlacedFlow,
  type PlacedNode,
  placeFlow,
} from './layout.ts';
import { placeOutline } from './outline.ts';
import { changes, lines, paints, type Scheme, signs } from './paints.ts';
import { type Area, isBoxIn, isLineIn, lettersIn, pathOf, shorten, shortenAddress, wordsAt } from './shapes.ts';
import { dashOf, strokeOf, svgText } from './svg-text.ts';
import { useView } from './use-view.ts';

export interface FlowGraphProps {
  readonly flow: Flow;
  readonly label: string;
  /** Of the file that can be downloaded, without its ending. */
  readonly fileName: string;
  /** What a box or line is called when it is read out. */
  readonly wordsOfChange: (change: NonNullable<FlowEdge['change']>) => string;
  readonly onNode?: (node: PlacedNode) => void;
  readonly onEdge?: (edge: PlacedEdge) => void;
  readonly maxHeight?: number;
  /** How small the picture may be when it is first seen. */
  readonly smallest?: number;
}

/** Narrower than this, a small flow is an outline. */
const outlineBelow = 620;
const outlineBoxes = 60;

export function FlowGraph(props: FlowGraphProps) {
  const { label, maxHeight = 620, smallest = 0.64 } = props;
  const flow = useMemo(() => shownFlow(props.flow), [props.flow]);
  const { ref, width } = useElementSize();
  const isOutline = width > 0 && width < outlineBelow && flow.nodes.length <= outlineBoxes;
  const placed = useMemo(
    () => (isOutline ? placeOutline(flow, width) : placeFlow(flow)),
    [flow, isOutline, isOutline ? width : 0],
  );
  const ratio = Math.max(smallest, Math.min(1, width / placed.width));
  const height = isOutline ? placed.height : Math.max(160, Math.min(maxHeight, placed.height * ratio));
  const size = useMemo(() => ({ width, height }), [width, height]);
  const { view, element, handlers, fit, zoomIn, zoomOut, show } = useView(placed, size, smallest);
  const merged = useMergedRef(ref, element);
  const scheme = useComputedColorScheme('light');
  // Of the whole only what is near is made, in steps, so that a small move makes nothing new.
  const area = useMemo(
    () => seenArea(view.x, view.y, view.scale, size),
    [Math.round(view.x / 300), Math.round(view.y / 300), view.scale, size],
  );
  return (
    <Box>
      <div
        ref={merged}
        className="flow-canvas"
        style={{ height, touchAction: isOutline ? 'auto' : 'pan-y' }}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it is moved by the arrow keys
        tabIndex={0}
        role="group"
        aria-label={label}
        {...(isOutline ? {} : handlers)}
      >
        {width === 0 ? null : (
          <svg width="100%" height={height}>
            <g transform={`scale(${view.scale}) translate(${-view.x} ${-view.y})`}>
              <Drawing {...props} placed={placed} area={area} scale={view.scale} scheme={scheme} onSeen={show} />
            </g>
          </svg>
        )}
      </div>
      <Tools {...props} placed={placed} scheme={scheme} isOutline={isOutline} zoom={{ fit, zoomIn, zoomOut }} />
    </Box>
  );
}

function seenArea(x: number, y: number, scale: number, { width, height }: { width: number; height: number }): Area {
  const room = 340;
  return { x: x - room, y: y - room, width: width / scale + 2 * room, height: height / scale + 2 * room };
}

interface ToolsProps extends FlowGraphProps {
  readonly placed: PlacedFlow;
  readonly scheme: Scheme;
  readonly isOutline: boolean;
  readonly zoom: { readonly fit: () => void; readonly zoomIn: () => void; readonly zoomOut: () => void };
}

function Tools({ placed, scheme, isOutline, label, fileName, zoom }: ToolsProps) {
  const { t } = useTranslation();
  const tool = (icon: IconName, text: string, act: () => void) => (
    <Tooltip label={text}>
      <ActionIcon variant="default" size="lg" aria-label={text} onClick={act}>
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
  return (
    <Group gap={6} justify="flex-end" mt={6}>
      {isOutline ? null : tool('add', t('Larger'), zoom.zoomIn)}
      {isOutline ? null : tool('minus', t('Smaller'), zoom.zoomOut)}
      {isOutline ? null : tool('fit', t('Show all of it'), () => zoom.fit())}
      {tool('download', t('Download the picture (SVG)'), () =>
        download(svgText(placed, label, scheme), `${fileName}.svg`),
      )}
    </Group>
  );
}

function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replaceAll(/[^\w.@-]+/g, '-');
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

interface DrawingProps extends FlowGraphProps {
  readonly placed: PlacedFlow;
  readonly area: Area;
  readonly scale: number;
  readonly scheme: Scheme;
  readonly onSeen: (area: Area) => void;
}

/** Below this size words are no longer read. */
const readable = 0.5;

const Drawing = memo(function Drawing({
  placed,
  area,
  scale,
  scheme,
  onNode,
  onEdge,
  wordsOfChange,
  onSeen,
}: DrawingProps) {
  const arrow = useId();
  const titles = useMemo(() => new Map(placed.nodes.map((node) => [node.id, node.title])), [placed]);
  const common = { scheme, isReadable: scale >= readable, wordsOfChange, onSeen };
  return (
    <>
      <defs>
        {(['usual', 'leaving', 'failed'] as const).map((kind) => (
          <Arrow key={kind} id={`${arrow}${kind}`} color={lines[scheme][kind]} />
        ))}
        {(['added', 'removed', 'changed'] as const).map((kind) => (
          <Arrow key={kind} id={`${arrow}${kind}`} color={changes[kind][scheme]} />
        ))}
      </defs>
      {placed.edges.map((edge) =>
        isLineIn(edge, area) ? (
          <Line
            key={`${edge.from} ${edge.to} ${edge.stage ?? ''}`}
            {...common}
            edge={edge}
            isOutline={placed.isOutline}
            arrow={arrow}
            between={`${titles.get(edge.from) ?? ''} → ${titles.get(edge.to) ?? ''}`}
            onEdge={onEdge}
          />
        ) : null,
      )}
      {placed.nodes.map((node) =>
        isBoxIn(node, area) ? (
          <Node key={`${node.id} ${node.copy ?? ''}`} {...common} node={node} onNode={onNode} />
        ) : null,
      )}
    </>
  );
});

function Arrow({ id, color }: { readonly id: string; readonly color: string }) {
  return (
    <marker
      id={id}
      viewBox="0 0 8 8"
      refX="7"
      refY="4"
      markerUnits="userSpaceOnUse"
      markerWidth="11"
      markerHeight="11"
      orient="auto"
    >
      <path d="M0 0 8 4 0 8Z" fill={color} />
    </marker>
  );
}

interface PartProps {
  readonly scheme: Scheme;
  readonly isReadable: boolean;
  readonly wordsOfChange: FlowGraphProps['wordsOfChange'];
  readonly onSeen: (area: Area) => void;
}

interface NodeProps extends PartProps {
  readonly node: PlacedNode;
  readonly onNode: ((node: PlacedNode) => void) | undefined;
}

function Node({ node, scheme, isReadable, onNode, wordsOfChange, onSeen }: NodeProps) {
  const { x, y, width, title, note, problem, change, kind } = node;
  const [background, border, text] = paints[kind][scheme];
  const sign = change === undefined ? '' : `${signs[change]} `;
  const name = [change === undefined ? '' : wordsOfChange(change), title, note, problem].filter(Boolean).join(', ');
  const act =
    onNode === undefined
      ? {}
      : actions(
          () => onNode(node),
          () => onSeen({ x, y, width, height: boxHeight }),
        );
  return (
    <g transform={`translate(${x} ${y})`}>
      {/* The name says all; the words that are drawn may be shortened and stand apart. */}
      <g className="flow-node" aria-label={name} {...act}>
        <title>{name}</title>
        <rect
          width={width}
          height={boxHeight}
          rx={10}
          fill={background}
          stroke={change === undefined ? border : changes[change][scheme]}
          strokeWidth={change === undefined ? 1.5 : 3}
          strokeDasharray={isDashed(node) ? '5 4' : undefined}
        />
      </g>
      <g aria-hidden pointerEvents="none">
        {kind === 'group' ? (
          <rect x={4} y={4} width={width - 8} height={boxHeight - 8} rx={7} fill="none" stroke={border} />
        ) : null}
        {isReadable ? (
          <>
            <text x={12} y={note === undefined ? 31 : 22} fill={text} fontSize={13} fontWeight={650}>
              {sign}
              {shortenAddress(title, lettersIn(width - (problem === undefined ? 20 : 44), 13))}
            </text>
            {note === undefined ? null : (
              <text x={12} y={40} fill={text} fontSize={11.5}>
                {shorten(note, lettersIn(width - (problem === undefined ? 20 : 40), 11))}
              </text>
            )}
          </>
        ) : null}
        {problem === undefined ? null : (
          <g transform={`translate(${width - 26} 8)`} fill="none" stroke={lines[scheme].failed} strokeWidth={1.8}>
            <path d="M9 1.500 17 16H1ZM9 6v5M9 13v.5" strokeLinejoin="round" fill={lines[scheme].halo} />
          </g>
        )}
      </g>
    </g>
  );
}

/** What only refers to a box, is not ours to know, could not be found out, or is gone. */
function isDashed({ kind, change, copy }: PlacedNode): boolean {
  return copy !== undefined || kind === 'elsewhere' || kind === 'failed' || change === 'removed';
}

interface LineProps extends PartProps {
  readonly edge: PlacedEdge;
  readonly isOutline: boolean;
  readonly arrow: string;
  readonly between: string;
  readonly onEdge: ((edge: PlacedEdge) => void) | undefined;
}

function Line({ edge, isOutline, scheme, arrow, between, isReadable, onEdge, wordsOfChange, onSeen }: LineProps) {
  const path = pathOf(edge, isOutline);
  const { label, row, change, isFailed, leavesHost, words: shown } = edge;
  const at = wordsAt(edge, isOutline);
  const words = [change === undefined ? '' : wordsOfChange(change), between, label, row].filter(Boolean).join(', ');
  const act =
    onEdge === undefined
      ? {}
      : actions(
          () => onEdge(edge),
          () => onSeen({ x: at.x - 80, y: at.y - 20, width: 160, height: 40 }),
        );
  const end = change ?? (isFailed ? 'failed' : leavesHost ? 'leaving' : 'usual');
  const sign = change === undefined ? '' : `${signs[change]} `;
  const text = {
    x: at.x,
    fontSize: 11,
    textAnchor: isOutline ? ('start' as const) : ('middle' as const),
    stroke: lines[scheme].halo,
    strokeWidth: 4,
    paintOrder: 'stroke',
  };
  return (
    <g>
      <g className="flow-edge" aria-label={words} {...act}>
        <title>{words}</title>
        {/* Easier to hit than the line itself (WCAG 2.2, 2.5.8). */}
        <path d={path} fill="none" stroke="transparent" strokeWidth={16} />
        <rect x={isOutline ? at.x : at.x - 34} y={at.y - 17} width={68} height={36} fill="transparent" />
        <path
          className="flow-line"
          d={path}
          fill="none"
          stroke={strokeOf(edge, scheme)}
          strokeWidth={change === undefined ? 1.7 : 2.6}
          strokeDasharray={dashOf(edge)}
          markerEnd={`url(#${arrow}${end})`}
        />
      </g>
      <g aria-hidden pointerEvents="none">
        {isReadable && shown?.label ? (
          <text {...text} y={at.y + (isOutline ? 3 : -6)} fill={lines[scheme].text} fontWeight={600}>
            {sign}
            {shorten(shown.label, isOutline ? 44 : 30)}
          </text>
        ) : null}
        {isReadable && shown?.row ? (
          <text {...text} y={at.y + 15} fill={lines[scheme].dimmed}>
            {shortenAddress(shown.row, isOutline ? 44 : 31)}
          </text>
        ) : null}
      </g>
    </g>
  );
}

function actions(run: () => void, onSeen: () => void) {
  return {
    role: 'button',
    tabIndex: 0,
    onClick: run,
    onFocus: onSeen,
    onKeyDown: (event: { readonly key: string; preventDefault(): void }) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      run();
    },
  } as const;
}
