// Addresses whose mail goes another way: how it went, and how it will go.

import { Badge, Box, Button, Card, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from './format.ts';
import { shownNames } from './shown-name.ts';
import { type AddressChange, type AddressGroup, type Outcome, withoutProbe } from './plan-groups.ts';

const usualGroups = 10;
const maxNamed = 5;
const maxDeliveries = 8;

export function AddressGroups({ groups }: { readonly groups: readonly AddressGroup[] }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(usualGroups);
  if (groups.length === 0) return null;
  return (
    <Stack gap="xs" component="ul" className="plain-list" aria-label={t('Addresses that go another way')}>
      {groups.slice(0, shown).map((group) => (
        <AlikeAddresses key={`${group.first.subject.kind} ${nameOfKey(group.first)}`} group={group} />
      ))}
      {shown >= groups.length ? null : (
        <li>
          <Button variant="default" size="xs" onClick={() => setShown(shown + 50)}>
            {t('Show more ({{number}})', { number: formatNumber(groups.length - shown) })}
          </Button>
        </li>
      )}
    </Stack>
  );
}

function nameOfKey({ subject }: AddressChange): string {
  return subject.address ?? subject.probe ?? '';
}

function AlikeAddresses({ group: { first, changes } }: { readonly group: AddressGroup }) {
  const { t } = useTranslation();
  const nameOf = useSubjectName();
  const names = changes.slice(0, maxNamed).map(({ subject }) => nameOf(subject));
  return (
    <Card withBorder p="sm" component="li">
      <Text fw={600} size="sm" className="wrap-anywhere">
        {names.join(', ')}
        {changes.length > maxNamed
          ? ` ${t('and {{number}} more', { number: formatNumber(changes.length - maxNamed) })}`
          : null}
        {first.withExtensions ? (
          <Text span size="sm" c="dimmed">
            {' '}
            {t('with any +extension')}
          </Text>
        ) : null}
      </Text>
      <Box className="before-after" mt={6}>
        <Way title={t('Now')} outcome={first.before} change={first} />
        <Way title={t('Then')} outcome={first.after} change={first} />
      </Box>
    </Card>
  );
}

function useSubjectName(): (subject: AddressChange['subject']) => string {
  const { t } = useTranslation();
  return ({ kind, address = '', of = '', domain = '' }) => {
    switch (kind) {
      case 'address':
        return shownNames(address);
      case 'extensions':
        return t('any +extension of {{address}}', { address: of });
      case 'others':
        return t('every other name at {{domain}}', { domain });
      case 'subdomains':
        return t('every address below {{domain}}', { domain });
      case 'anywhere':
        return t('every address of domains that are not hosted here');
    }
  };
}

interface WayProps {
  readonly title: string;
  readonly outcome: Outcome;
  readonly change: AddressChange;
}

function Way({ title, outcome: { reply, deliveries }, change }: WayProps) {
  const { t } = useTranslation();
  const isTaken = reply.code < 400;
  return (
    <Box>
      <Group gap={6} wrap="nowrap">
        <Text size="xs" c="dimmed" w={44} style={{ flexShrink: 0 }}>
          {title}
        </Text>
        <Badge color={isTaken ? 'green' : reply.code < 500 ? 'orange' : 'red'} variant="light" tt="none">
          {isTaken ? t('taken') : reply.code < 500 ? t('put off') : t('refused')} {reply.code}
        </Badge>
      </Group>
      {isTaken ? null : (
        <Text size="sm" className="wrap-anywhere" mt={2}>
          {reply.status} {withoutProbe(reply.text, change)}
        </Text>
      )}
      {deliveries.slice(0, maxDeliveries).map((delivery) => (
        <Delivery key={`${delivery.recipient} ${delivery.transport}`} delivery={delivery} change={change} />
      ))}
      {deliveries.length > maxDeliveries ? (
        <Text size="sm">{t('and {{number}} more', { number: formatNumber(deliveries.length - maxDeliveries) })}</Text>
      ) : null}
    </Box>
  );
}

interface DeliveryProps {
  readonly delivery: Outcome['deliveries'][number];
  readonly change: AddressChange;
}

function Delivery({ delivery, change }: DeliveryProps) {
  const { t } = useTranslation();
  const { recipient, transport, nexthop, mailbox, bounces, leaves } = delivery;
  const where =
    mailbox !== undefined
      ? t('into the mailbox {{address}}', { address: mailbox.address })
      : transport === ''
        ? t('somewhere that is not yours to see')
        : `${transport}${nexthop === '' ? '' : `: ${nexthop}`}`;
  return (
    <Text size="sm" mt={2} className="wrap-anywhere" component="div">
      → {recipient === '' ? null : <b>{shownNames(withoutProbe(recipient, change))}</b>} {withoutProbe(where, change)}{' '}
      {leaves === true ? (
        <Badge size="sm" color="orange" variant="outline" tt="none">
          {t('leaves this host')}
        </Badge>
      ) : null}
      {bounces === undefined ? null : (
        <Badge size="sm" color="red" variant="outline" tt="none">
          {bounces === 'disabled' ? t('sent back: it is switched off') : t('sent back: there is no such mailbox')}
        </Badge>
      )}
    </Text>
  );
}
