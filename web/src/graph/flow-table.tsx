// The same as the picture in a table: for screen readers, and for who prefers it.

import { Badge, Button, Table, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { shownFlow, useFlowWords } from './flow-words.ts';
import { type Flow, type FlowEdge } from './layout.ts';
import { signs } from './paints.ts';

interface FlowTableProps {
  readonly flow: Flow;
  readonly label: string;
  readonly onEdge?: (edge: FlowEdge) => void;
  /** Opens a group. */
  readonly onOpen?: (group: string) => void;
}

/** Lines that are shown at once. */
const pageLength = 300;

export function FlowTable({ flow: told, label, onEdge, onOpen }: FlowTableProps) {
  const { t } = useTranslation();
  const flow = useMemo(() => shownFlow(told), [told]);
  const [shown, setShown] = useState(pageLength);
  const words = useFlowWords();
  const byId = new Map(flow.nodes.map((node) => [node.id, node]));
  const linked = new Set(flow.edges.flatMap(({ from, to }) => [from, to]));
  const alone = flow.nodes.filter(({ id }) => !linked.has(id));
  const name = (id: string) => {
    const node = byId.get(id);
    if (node?.kind !== 'group' || onOpen === undefined) return node?.title;
    return (
      <Button variant="subtle" size="compact-sm" onClick={() => onOpen(id.replace(/ targets$/, ''))}>
        {node.title}
      </Button>
    );
  };
  const count = flow.edges.length + alone.length;
  return (
    <>
      <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': label } }}>
        <Table aria-label={label} fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('From')}</Table.Th>
              <Table.Th>{t('To')}</Table.Th>
              <Table.Th>{t('By')}</Table.Th>
              <Table.Th>{t('Row')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {flow.edges.slice(0, shown).map((edge) => {
              const to = byId.get(edge.to);
              return (
                <Table.Tr key={`${edge.from} ${edge.to} ${edge.stage ?? ''}`}>
                  <Table.Td className="mono">{name(edge.from)}</Table.Td>
                  <Table.Td>
                    <span className="mono">{name(edge.to)}</span>
                    {to?.note === undefined ? null : (
                      <Text size="xs" c="dimmed">
                        {to.note}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    {onEdge === undefined ? (
                      (edge.label ?? words.stage(edge.stage ?? ''))
                    ) : (
                      <Button variant="subtle" size="compact-sm" onClick={() => onEdge(edge)}>
                        {edge.label ?? words.stage(edge.stage ?? '')}
                      </Button>
                    )}{' '}
                    {edge.change === undefined ? null : (
                      <Badge variant="outline" color="gray" tt="none">
                        {signs[edge.change]} {words.change(edge.change)}
                      </Badge>
                    )}{' '}
                    {edge.isMissing ? (
                      <Badge variant="outline" color="gray" tt="none">
                        {t('not taken')}
                      </Badge>
                    ) : null}{' '}
                    {edge.leavesHost ? (
                      <Badge variant="light" color="orange" tt="none">
                        {t('leaves the host')}
                      </Badge>
                    ) : null}
                  </Table.Td>
                  <Table.Td className="mono">{edge.row}</Table.Td>
                </Table.Tr>
              );
            })}
            {alone.slice(0, Math.max(0, shown - flow.edges.length)).map(({ id, note }) => (
              <Table.Tr key={id}>
                <Table.Td className="mono">{name(id)}</Table.Td>
                <Table.Td colSpan={3}>{note}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {count > shown ? (
        <Button variant="default" size="xs" onClick={() => setShown(shown + pageLength)}>
          {t('Show more: {{count}}', { count: count - shown })}
        </Button>
      ) : null}
    </>
  );
}
