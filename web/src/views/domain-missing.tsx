// Addresses that every domain should have, and this one has not: offered with one click, where somebody is to get their mail.

import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AddressesField } from '../parts/addresses-field.tsx';
import { Form } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed } from '../parts/states.tsx';
import type { DomainInfo } from './domain-state.tsx';

export function MissingAddresses({ domain }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const [adding, setAdding] = useState<string>();
  const [targets, setTargets] = useState<readonly string[]>([]);
  const missing = [...(domain.postmaster ? [] : ['postmaster']), ...(domain.abuse ? [] : ['abuse'])];
  if (missing.length === 0 || domain.class === 'relay') return null;
  const add = async () => {
    const address = `${adding}@${domain.name}`;
    const made = await planned.run({
      operation: 'alias.add',
      input: { address, targets },
      done: t('{{address}} is there', { address }),
      isPlain: true,
    });
    if (made !== undefined) setAdding(undefined);
  };
  return (
    <Alert
      color="orange"
      variant="light"
      mb="sm"
      icon={<Icon name="warning" />}
      title={t('Mail to {{names}} is refused', { names: missing.map((name) => `${name}@`).join(', ') })}
    >
      <Group justify="space-between">
        <Text size="sm" style={{ flex: '1 1 320px' }}>
          {t(
            'Every domain must take mail to postmaster, and complaints come to abuse: other hosts refuse mail from domains that are deaf to them.',
          )}
        </Text>
        <Group gap="xs">
          {missing.map((name) => (
            <Button key={name} size="xs" onClick={() => setAdding(name)}>
              {t('Add {{name}}', { name })}
            </Button>
          ))}
        </Group>
      </Group>
      <Modal
        opened={adding !== undefined}
        onClose={() => setAdding(undefined)}
        title={t('Who gets mail to {{address}}?', { address: `${adding}@${domain.name}` })}
        closeButtonProps={{ 'aria-label': t('Close') }}
      >
        <Form onSubmit={add}>
          <Stack>
            {planned.problem === undefined ? null : <Failed error={planned.problem} />}
            <AddressesField
              label={t('Leads to')}
              domain={domain.name}
              value={targets}
              onChange={setTargets}
              required
              isFirst
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setAdding(undefined)}>
                {t('Cancel')}
              </Button>
              <Button type="submit" loading={planned.isBusy}>
                {t('Add')}
              </Button>
            </Group>
          </Stack>
        </Form>
      </Modal>
    </Alert>
  );
}
