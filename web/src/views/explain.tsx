// Where does mail for an address go? Drawn from the door to the mailboxes and next hops, with the table and the row behind each
// line, and every question that was asked on the way.

import {
  Accordion,
  Alert,
  Badge,
  Button,
  Card,
  Code,
  Group,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Input, useCall } from '../api.ts';
import { explanationFlow, type ExplainedStep, type Explanation } from '../graph/explanation-flow.ts';
import { FlowGraph } from '../graph/flow-graph.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';

type ExplainSearch = Omit<Input<'explain.show'>, 'address'> & { readonly address?: string };

const route = getRouteApi('/shell/explain');

export function ExplainView() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [draft, setDraft] = useState<ExplainSearch>(search);
  const field = (name: keyof ExplainSearch, label: string, placeholder: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={draft[name] ?? ''}
      onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
      autoCapitalize="none"
      spellCheck={false}
    />
  );
  return (
    <>
      <PageHead
        title={t('Where does mail go?')}
        note={t('The same code decides about real mail: no table is guessed.')}
      />
      <Card withBorder mb="md">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const given = Object.entries(draft).filter(([, value]) => value !== undefined && value !== '');
            void navigate({ search: Object.fromEntries(given) });
          }}
        >
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
            {field('address', t('Recipient'), 'anna@example.com')}
            {field('sender', t('Sender'), t('anybody'))}
            {field('client', t("The client's IP address"), t('a stranger'))}
            {field('login', t('Logged in as'), t('nobody'))}
          </SimpleGrid>
          <Group mt="md">
            <Button type="submit">{t('Show the way')}</Button>
          </Group>
        </form>
      </Card>
      {search.address === undefined ? (
        <Empty title={t('Type an address to see its way')} />
      ) : (
        <Way address={search.address} search={search} />
      )}
    </>
  );
}

function Way({ address, search }: { readonly address: string; readonly search: ExplainSearch }) {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useCall('explain.show', { ...search, address: [address] });
  if (isPending) return <Loading />;
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  const explanation = data.items[0];
  if (explanation === undefined) return <Empty title={t('No answer')} />;
  return <Explained address={address} explanation={explanation} />;
}

export function Explained({ address, explanation }: { readonly address: string; readonly explanation: Explanation }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<string>();
  const { reply, deliveries, steps } = explanation;
  const isTaken = reply.code < 300;
  return (
    <Stack>
      <Alert color={isTaken ? 'green' : 'red'} variant="light" title={`${reply.code} ${reply.status} ${reply.text}`}>
        {isTaken
          ? t('Mail for {{address}} is taken.', { address })
          : t('Mail for {{address}} is refused with this reply.', { address })}{' '}
        <Badge variant="outline" color="gray" tt="none">
          {explanation.class}
        </Badge>
      </Alert>
      <Card withBorder p="xs">
        <FlowGraph
          flow={explanationFlow(address, explanation, t('Door'))}
          label={t('The way of mail for {{address}}', { address })}
          onEdge={({ label }) => setChosen(label)}
          onNode={({ title, note }) => setChosen(note === undefined ? title : `${title} – ${note}`)}
        />
        <Text size="sm" c="dimmed" px="xs" role="status">
          {chosen ?? t('Choose a line to see the table and the row behind it.')}
        </Text>
      </Card>
      {deliveries.length === 0 ? null : (
        <Table.ScrollContainer minWidth={480}>
          <Table aria-label={t('Deliveries')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('Goes to')}</Table.Th>
                <Table.Th>{t('By')}</Table.Th>
                <Table.Th>{t('Next hop')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {deliveries.map(({ recipient, transport, nexthop, path }) => (
                <Table.Tr key={`${recipient} ${transport} ${nexthop}`}>
                  <Table.Td>{recipient}</Table.Td>
                  <Table.Td>{transport || t('another host')}</Table.Td>
                  <Table.Td>{path ?? nexthop}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Accordion variant="contained">
        <Accordion.Item value="steps">
          <Accordion.Control>
            {t('Every question that was asked ({{count}})', { count: steps.length })}
          </Accordion.Control>
          <Accordion.Panel>
            <Steps steps={steps} />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}

function Steps({ steps }: { readonly steps: readonly ExplainedStep[] }) {
  const { t } = useTranslation();
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table aria-label={t('Steps')} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('Stage')}</Table.Th>
            <Table.Th>{t('Table')}</Table.Th>
            <Table.Th>{t('Key')}</Table.Th>
            <Table.Th>{t('Result')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {steps.map(({ stage, table, key, result, source }, index) => (
            // oxlint-disable-next-line react/no-array-index-key -- the steps of one answer never change places
            <Table.Tr key={index}>
              <Table.Td>{stage}</Table.Td>
              <Table.Td className="mono">{table}</Table.Td>
              <Table.Td className="mono">{key}</Table.Td>
              <Table.Td>
                {result} {source === undefined ? null : <Code>{source}</Code>}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
