// How much mail there was over time: stacked bars, drawn here. The arrow keys walk along the bars; a table of the same
// numbers is there for who would rather read.

import { Box, Group, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { region } from '../i18n.ts';
import { type KeyboardEvent, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { formatNumber } from './format.ts';

export type Series = Output<'statistics.show'>;
type Point = Series['points'][number];

export const stacked = ['delivered', 'deferred', 'bounced', 'refused'] as const;
export type Counted = (typeof stacked)[number] | 'accepted';

export function useCountedWords(): Readonly<Record<Counted, string>> {
  const { t } = useTranslation();
  return {
    accepted: t('accepted messages'),
    delivered: t('delivered'),
    deferred: t('deferred'),
    bounced: t('bounced'),
    refused: t('refused'),
  };
}

const height = 220;
const space = { top: 10, end: 8, bottom: 26, start: 46 };

export function MailChart({ series }: { readonly series: Series }) {
  const { t } = useTranslation();
  const words = useCountedWords();
  const { ref, width } = useElementSize();
  const [at, setAt] = useState<number>();
  const name = useId();
  const { points } = series;
  const inner = Math.max(200, width - space.start - space.end);
  const most = niceMost(Math.max(1, ...points.map((point) => Math.max(point.accepted, sumOf(point)))));
  const step = inner / points.length;
  const yOf = (count: number) => space.top + (height - space.top - space.bottom) * (1 - count / most);
  const point = at === undefined ? undefined : points[at];
  const move = (event: KeyboardEvent) => {
    const last = points.length - 1;
    const next = {
      ArrowRight: Math.min(last, (at ?? -1) + 1),
      ArrowLeft: Math.max(0, (at ?? last + 1) - 1),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === 'Escape') setAt(undefined);
    if (next === undefined) return;
    event.preventDefault();
    setAt(next);
  };
  return (
    <Box ref={ref}>
      <Legend />
      <Box
        tabIndex={0}
        role="group"
        aria-label={t('Mail over time; the arrow keys walk along it')}
        aria-describedby={name}
        className="chart"
        onKeyDown={move}
        onBlur={() => setAt(undefined)}
        onMouseLeave={() => setAt(undefined)}
        onMouseMove={(event) => {
          const { left } = event.currentTarget.getBoundingClientRect();
          const index = Math.floor((event.clientX - left - space.start) / step);
          setAt(index >= 0 && index < points.length ? index : undefined);
        }}
      >
        <svg width="100%" height={height} viewBox={`0 0 ${inner + space.start + space.end} ${height}`} aria-hidden>
          {[0, 0.5, 1].map((part) => (
            <g key={part}>
              <line
                x1={space.start}
                x2={space.start + inner}
                y1={yOf(most * part)}
                y2={yOf(most * part)}
                className="chart-line"
              />
              <text x={space.start - 8} y={yOf(most * part) + 4} textAnchor="end" className="chart-text">
                {shortNumber(most * part)}
              </text>
            </g>
          ))}
          {at === undefined ? null : (
            <rect
              x={space.start + at * step}
              y={space.top}
              width={step}
              height={height - space.top - space.bottom}
              className="chart-at"
            />
          )}
          {points.map((one, index) => (
            <Bar key={one.time} point={one} x={space.start + index * step} width={step} yOf={yOf} />
          ))}
          <path d={lineOf(points, (index) => space.start + (index + 0.5) * step, yOf)} className="chart-accepted" />
          {ticksOf(points, inner).map((index) => (
            <text
              key={index}
              x={space.start + (index + 0.5) * step}
              y={height - 6}
              textAnchor="middle"
              className="chart-text"
            >
              {timeWords(points[index]?.time ?? 0, series.range)}
            </text>
          ))}
        </svg>
      </Box>
      <Text id={name} size="sm" role="status" mih={24} c="dimmed">
        {point === undefined
          ? null
          : `${fullTime(point.time, series.range)}: ${(['accepted', ...stacked] as const)
              .map((thing) => `${words[thing]} ${formatNumber(point[thing])}`)
              .join(' · ')}`}
      </Text>
    </Box>
  );
}

function Legend() {
  const words = useCountedWords();
  return (
    <Group gap="md" mb={4}>
      <Group gap={6}>
        <svg width={18} height={10} aria-hidden>
          <line x1={0} x2={18} y1={5} y2={5} className="chart-accepted" />
        </svg>
        <Text size="sm">{words.accepted}</Text>
      </Group>
      {stacked.map((thing) => (
        <Group gap={6} key={thing}>
          <svg width={12} height={12} aria-hidden>
            <rect width={12} height={12} rx={3} className={`chart-${thing}`} />
          </svg>
          <Text size="sm">{words[thing]}</Text>
        </Group>
      ))}
    </Group>
  );
}

interface BarProps {
  readonly point: Point;
  readonly x: number;
  readonly width: number;
  readonly yOf: (count: number) => number;
}

function Bar({ point, x, width, yOf }: BarProps) {
  let sum = 0;
  const gap = width > 5 ? 1.5 : 0.25;
  return (
    <>
      {stacked.map((thing) => {
        const count = point[thing];
        if (count === 0) return null;
        const top = yOf(sum + count);
        const tall = Math.max(1, yOf(sum) - top);
        sum += count;
        return (
          <rect
            key={thing}
            x={x + gap / 2}
            y={top}
            width={Math.max(0.75, width - gap)}
            height={tall}
            className={`chart-${thing}`}
          />
        );
      })}
    </>
  );
}

function sumOf(point: Point): number {
  return stacked.reduce((sum, thing) => sum + point[thing], 0);
}

function lineOf(points: readonly Point[], xOf: (index: number) => number, yOf: (count: number) => number): string {
  return points
    .map(({ accepted }, index) => `${index === 0 ? 'M' : 'L'}${xOf(index).toFixed(1)} ${yOf(accepted).toFixed(1)}`)
    .join('');
}

/** 1, 2 or 5 and zeros. */
function niceMost(count: number): number {
  const power = 10 ** Math.floor(Math.log10(count));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= count) ?? count;
}

function shortNumber(value: number): string {
  const options = { notation: 'compact', maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(region(), options).format(value);
}

function ticksOf(points: readonly Point[], width: number): number[] {
  const every = Math.ceil(points.length / Math.max(2, Math.min(8, Math.floor(width / 90))));
  return points.flatMap((_, index) => (index % every === Math.floor(every / 2) ? [index] : []));
}

function timeWords(time: number, range: Series['range']): string {
  const isShort = range === '1h' || range === '24h';
  const options: Intl.DateTimeFormatOptions = isShort
    ? { hour: '2-digit', minute: '2-digit' }
    : { day: 'numeric', month: 'short' };
  return new Intl.DateTimeFormat(region(), options).format(time);
}

export function fullTime(time: number, range: Series['range']): string {
  const options: Intl.DateTimeFormatOptions =
    range === '90d' ? { dateStyle: 'medium' } : { dateStyle: 'medium', timeStyle: 'short' };
  return new Intl.DateTimeFormat(region(), options).format(time);
}
