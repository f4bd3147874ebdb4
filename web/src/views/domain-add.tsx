// A new domain: its name and what this host does with its mail.

import { Modal, Radio, Stack, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Form, FormEnd } from '../parts/form.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed } from '../parts/states.tsx';
import { type DomainInfo, useClassWords } from './domain-state.tsx';

interface AddDomainProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function AddDomain({ isOpen, onClose }: AddDomainProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const navigate = useNavigate();
  const classes = useClassWords();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<DomainInfo['class']>('mailbox');
  const [transport, setTransport] = useState('');
  const { problem } = planned;
  const add = async () => {
    const domain = name.trim().toLowerCase();
    const added = await planned.run({
      operation: 'domain.add',
      input: { name: domain, class: kind, ...(kind === 'relay' && transport !== '' ? { transport } : {}) },
      done: t('{{domain}} is hosted', { domain }),
      isPlain: true,
    });
    if (added === undefined) return;
    onClose();
    setName('');
    setTransport('');
    await navigate({ to: '/domains/$domain', params: { domain: added.name } });
  };
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t('Add a domain')}
      closeButtonProps={{ 'aria-label': t('Close') }}
      size="lg"
    >
      <Form onSubmit={add}>
        <Stack>
          {problem === undefined || problem.field === 'name' ? null : <Failed error={problem} />}
          <TextInput
            label={t('Domain')}
            placeholder="example.com"
            required
            data-autofocus
            value={name}
            error={problem?.field === 'name' ? problem.text : undefined}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Radio.Group
            label={t('Class')}
            description={t('What this host does with its mail')}
            value={kind}
            onChange={(value) => setKind(value as DomainInfo['class'])}
          >
            <Stack gap="xs" mt="xs">
              {(['mailbox', 'alias', 'relay'] as const).map((value) => (
                <Radio key={value} value={value} label={classes[value].short} description={classes[value].long} />
              ))}
            </Stack>
          </Radio.Group>
          {kind === 'relay' ? (
            <TextInput
              label={t('Passed on to')}
              description={t('As smtp:[192.0.2.1]:25; empty: to where its MX records lead')}
              value={transport}
              error={problem?.field === 'transport' ? problem.text : undefined}
              onChange={(event) => setTransport(event.currentTarget.value)}
            />
          ) : null}
          <FormEnd onCancel={onClose} isBusy={planned.isBusy} label={t('Add')} />
        </Stack>
      </Form>
    </Modal>
  );
}
