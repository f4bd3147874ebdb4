// The queue by destination and age: the darker a cell, the more recipients wait there; its number says the same. Each cell
// leads to what it counts.

import { Anchor, Table, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { formatNumber } from './format.ts';
import { ageWords, useAgeTitles } from './queue-ages.ts';
import { shownNames } from './shown-name.ts';

type Summary = Output<'queue.summary'>;

interface HeatTableProps {
  readonly summary: Summary;
  readonly rows?: number;
  /** Other words of the filter that stay. */
  readonly search?: Readonly<Record<string, string | undefined>>;
}

export function HeatTable({ summary, rows = 12, search = {} }: HeatTableProps) {
  const { t } = useTranslation();
  const titles = useAgeTitles();
  const shown = summary.destinations.slice(0, rows);
  const most = Math.max(1, ...shown.flatMap(({ ages }) => ages));
  const rest = summary.destinationCount - shown.length;
  return (
    <>
      <Table.ScrollContainer minWidth={620} tabIndex={0} aria-label={t('Queue by destination and age')} role="region">
        <Table aria-label={t('Queue by destination and age')} verticalSpacing={4} withRowBorders={false}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('Destination')}</Table.Th>
              {titles.map((title) => (
                <Table.Th key={title} ta="end">
                  {title}
                </Table.Th>
              ))}
              <Table.Th ta="end">{t('In all')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(({ name, ages, recipients }) => (
              <Table.Tr key={name}>
                <Table.Th fw={500} className="mono" fz="sm" maw={260} style={{ overflowWrap: 'break-word' }}>
                  <Anchor
                    inherit
                    underline="hover"
                    renderRoot={(props) => (
                      <Link {...props} to="/queue" search={{ ...search, destination: name, view: 'messages' }} />
                    )}
                  >
                    {shownNames(name)}
                  </Anchor>
                </Table.Th>
                {ages.map((count, index) => (
                  <Table.Td key={titles[index]} p={2}>
                    <HeatCell
                      count={count}
                      most={most}
                      label={t('{{destination}}, {{age}}: {{count}}', {
                        destination: name,
                        age: titles[index],
                        count,
                      })}
                      search={{ ...search, destination: name, age: ageWords[index], view: 'messages' }}
                    />
                  </Table.Td>
                ))}
                <Table.Td ta="end" fw={600}>
                  {formatNumber(recipients)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th>{t('All')}</Table.Th>
              {summary.ages.map((count, index) => (
                <Table.Td key={titles[index]} ta="end" c="dimmed" pe={10}>
                  {formatNumber(count)}
                </Table.Td>
              ))}
              <Table.Td ta="end" fw={700}>
                {summary.isComplete ? '' : '≥ '}
                {formatNumber(summary.recipients)}
              </Table.Td>
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Table.ScrollContainer>
      {rest > 0 ? (
        <Text size="sm" c="dimmed" mt={4}>
          {t('Further destinations: {{number}}', { number: formatNumber(rest) })}
        </Text>
      ) : null}
    </>
  );
}

interface HeatCellProps {
  readonly count: number;
  readonly most: number;
  readonly label: string;
  readonly search: Readonly<Record<string, string | undefined>>;
}

function HeatCell({ count, most, label, search }: HeatCellProps) {
  if (count === 0) {
    return (
      <div className="heat-cell" data-heat={0} aria-label={label} role="img">
        ·
      </div>
    );
  }
  // By its logarithm: one that waits is seen beside thousands.
  const heat = Math.max(1, Math.ceil((Math.log(count + 1) / Math.log(most + 1)) * 5));
  return (
    <Link className="heat-cell" data-heat={heat} aria-label={label} to="/queue" search={search}>
      {formatNumber(count)}
    </Link>
  );
}
