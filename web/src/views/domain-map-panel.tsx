// What is behind a box or line of a domain's map: its state in words, the rows that lead to it and from it, and where it is edited.

import { Alert, Button, Drawer, List, Stack, Table, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type DomainFlow, isProblem } from '../graph/domain-flow.ts';
import { type FlowWords, type ToldNode, useFlowWords } from '../graph/flow-words.ts';
import { AnchorLink } from '../parts/links.tsx';
import { shownNames } from '../parts/shown-name.ts';

interface MapPanelProps {
  readonly told: DomainFlow;
  /** The name of a box, or `from|to|stage` of a line. */
  readonly open: string | undefined;
  readonly onClose: () => void;
  readonly onFocus: (address: string) => void;
}

type ToldEdge = DomainFlow['edges'][number];

/** Rows that are listed of each side. */
const maxRows = 100;

export function MapPanel({ told, open, onClose, onFocus }: MapPanelProps) {
  const { t } = useTranslation();
  const words = useFlowWords();
  const nodes = new Map(told.nodes.map((node) => [node.name, node]));
  const [from = '', to = '', stage = ''] = open?.split('|') ?? [];
  // A box of the picture may stand for an address and its own mailbox.
  const isLine = (edge: ToldEdge): boolean => {
    const ends = nodes.get(edge.to)?.title === nodes.get(to)?.title;
    return edge.from === from && edge.stage === stage && (edge.to === to || ends);
  };
  const edge = open?.includes('|') === true ? told.edges.find(isLine) : undefined;
  const plain = told.plain.find((address) => `mailbox ${address.toLowerCase()}` === open);
  const own: ToldNode | undefined =
    plain === undefined ? nodes.get(open ?? '') : { name: open ?? '', kind: 'mailbox', title: plain };
  const title = edge === undefined ? own?.title : `${nodes.get(edge.from)?.title} → ${nodes.get(edge.to)?.title}`;
  return (
    <Drawer
      opened={edge !== undefined || own !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={<Text fw={650}>{shownNames(title ?? '')}</Text>}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      {edge === undefined ? null : (
        <Rows title={t('The row that decides')} edges={[edge]} nodes={nodes} words={words} />
      )}
      {own === undefined ? null : <OfBox told={told} node={own} nodes={nodes} words={words} onFocus={onFocus} />}
    </Drawer>
  );
}

interface OfBoxProps {
  readonly told: DomainFlow;
  readonly node: ToldNode;
  readonly nodes: ReadonlyMap<string, ToldNode>;
  readonly words: FlowWords;
  readonly onFocus: (address: string) => void;
}

function OfBox({ told, node, nodes, words, onFocus }: OfBoxProps) {
  const { t } = useTranslation();
  const { kind, title, note, state } = node;
  const isAlso = (name: string) => name === node.name || nodes.get(name)?.title.toLowerCase() === title.toLowerCase();
  const into = told.edges.filter((edge) => isAlso(edge.to) && !isAlso(edge.from));
  const out = told.edges.filter((edge) => isAlso(edge.from) && !isAlso(edge.to));
  const isAddress = title.includes('@') && !title.startsWith('*');
  const domain = title.slice(title.lastIndexOf('@') + 1);
  const tab = kind === 'mailbox' ? 'mailboxes' : kind === 'list' ? 'lists' : 'aliases';
  return (
    <Stack>
      <Text size="sm">{shownNames([words.kind(kind), note].filter(Boolean).join(' · '))}</Text>
      {isProblem(node) && state !== undefined ? (
        <Alert color="red" variant="light" title={words.state(state)}>
          <Text size="sm">{advice(t)[state]}</Text>
        </Alert>
      ) : null}
      {isAddress ? (
        <List size="sm" listStyleType="none" spacing={6}>
          <List.Item>
            <AnchorLink to="/explain" search={{ address: title }} size="sm">
              {t('The way of mail for {{address}}', { address: title })}
            </AnchorLink>
          </List.Item>
          {domain === told.domain && (kind === 'mailbox' || kind === 'list' || kind === 'address') ? (
            <List.Item>
              <AnchorLink to="/domains/$domain" params={{ domain }} search={{ tab, open: title }} size="sm">
                {t('Edit it')}
              </AnchorLink>
            </List.Item>
          ) : null}
          <List.Item>
            <Button size="compact-sm" variant="default" onClick={() => onFocus(title)}>
              {t('Show only what is around it')}
            </Button>
          </List.Item>
        </List>
      ) : null}
      <Rows title={t('Leads to it: {{count}}', { count: into.length })} edges={into} nodes={nodes} words={words} />
      <Rows title={t('It leads to: {{count}}', { count: out.length })} edges={out} nodes={nodes} words={words} />
    </Stack>
  );
}

/** What to do about what is marked. */
function advice(t: (text: string) => string): Readonly<Record<NonNullable<ToldNode['state']>, string>> {
  return {
    missing: t('Mail is taken and then sent back. Add the mailbox, or take the target away.'),
    off: t('It is as if it were not there. Switch it on, or remove it.'),
    full: t('Mail is refused until there is room.'),
    maintenance: t('Mail is put off until the maintenance is over.'),
    loop: t('The addresses lead to each other without end: mail is put off. Change one of them.'),
    more: '',
    shadowed: t(
      'Another row is found first, so its mail goes elsewhere. Remove that row, or add this address to its targets.',
    ),
    unreached: t('Another row is found first, and no other address leads here: this mailbox gets no mail.'),
  };
}

interface RowsProps {
  readonly title: string;
  readonly edges: readonly ToldEdge[];
  readonly nodes: ReadonlyMap<string, ToldNode>;
  readonly words: FlowWords;
}

function Rows({ title, edges, nodes, words }: RowsProps) {
  const { t } = useTranslation();
  if (edges.length === 0) return null;
  return (
    <div>
      <Title order={3} size="h5" mb={4}>
        {title}
      </Title>
      <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': title } }}>
        <Table fz="xs" aria-label={title} verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('From')}</Table.Th>
              <Table.Th>{t('To')}</Table.Th>
              <Table.Th>{t('By')}</Table.Th>
              <Table.Th>{t('Row')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {edges.slice(0, maxRows).map((edge) => (
              <Table.Tr key={`${edge.from} ${edge.to} ${edge.stage}`}>
                <Table.Td className="mono">{shownNames(nodes.get(edge.from)?.title ?? '')}</Table.Td>
                <Table.Td className="mono">{shownNames(nodes.get(edge.to)?.title ?? '')}</Table.Td>
                <Table.Td>
                  {words.stage(edge.stage, { ...edge, stage: edge.by })}
                  {edge.isUntaken ? ` (${t('not taken')})` : ''}
                </Table.Td>
                <Table.Td className="mono">
                  {[edge.table, edge.key, edge.source === edge.table ? undefined : edge.source]
                    .filter(Boolean)
                    .join(' ')}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {edges.length > maxRows ? (
        <Text size="xs">{t('and {{count}} more', { count: edges.length - maxRows })}</Text>
      ) : null}
    </div>
  );
}
