// What would come of each row of a text: those that are wrong first to be found.

import { Badge, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { formatNumber } from '../parts/format.ts';

type ImportRow = Output<'domain.import-check'>['rows'][number];
type Outcome = ImportRow['outcome'];

/** More than anybody reads; the numbers are of all. */
const maxShown = 300;

export function ImportRows({ rows }: { readonly rows: readonly ImportRow[] }) {
  const { t } = useTranslation();
  const wrong = rows.filter(({ outcome }) => outcome === 'wrong');
  const [shown, setShown] = useState(wrong.length > 0 ? 'wrong' : 'all');
  const chosen = shown === 'wrong' ? wrong : rows;
  return (
    <Stack gap="xs">
      {wrong.length === 0 ? null : (
        <SegmentedControl
          aria-label={t('Which rows')}
          value={shown}
          onChange={setShown}
          data={[
            { value: 'wrong', label: t('Wrong ({{number}})', { number: formatNumber(wrong.length) }) },
            { value: 'all', label: t('All ({{number}})', { number: formatNumber(rows.length) }) },
          ]}
        />
      )}
      {/* It is scrolled by the keyboard too. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <section className="import-rows" aria-label={t('Rows')} tabIndex={0}>
        <Table verticalSpacing={6} stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('Line')}</Table.Th>
              <Table.Th>{t('Address')}</Table.Th>
              <Table.Th>{t('What comes of it')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {chosen.slice(0, maxShown).map((row) => (
              <Table.Tr key={`${row.line} ${row.address}`}>
                <Table.Td>{formatNumber(row.line)}</Table.Td>
                <Table.Td className="mono">{row.address}</Table.Td>
                <Table.Td>
                  <OutcomeBadge outcome={row.outcome} />
                  {row.reason === undefined ? null : <Text size="sm">{row.reason}</Text>}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {chosen.length > maxShown ? (
        <Text size="sm" c="dimmed">
          {t('These are the first {{number}}.', { number: formatNumber(maxShown) })}
        </Text>
      ) : null}
    </Stack>
  );
}

function OutcomeBadge({ outcome }: { readonly outcome: Outcome }) {
  const { t } = useTranslation();
  const words: Readonly<Record<Outcome, readonly [string, string]>> = {
    added: [t('will be added'), 'green'],
    unchanged: [t('there already'), 'gray'],
    differs: [t('there already, and stays as it is'), 'gray'],
    wrong: [t('wrong'), 'red'],
  };
  const [word, color] = words[outcome];
  return (
    <Badge variant="light" color={color} tt="none">
      {word}
    </Badge>
  );
}
