// What is done to all domains that are ticked, in one change: shown before it is made, undone as one.

import { Button, Group, Modal, Paper, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Input } from '../api.ts';
import { Form, FormEnd } from '../parts/form.tsx';
import { formatNumber } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed } from '../parts/states.tsx';

interface BulkDomainsProps {
  readonly names: readonly string[];
  readonly onDone: () => void;
}

type Settings = Omit<Input<'domain.set-many'>, 'names'>;
type Dialog = 'transport' | 'tags';

/** The server takes so many at once. */
const maxNames = 1000;

export function BulkDomains({ names, onDone }: BulkDomainsProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const [dialog, setDialog] = useState<Dialog>();
  const number = formatNumber(names.length);
  const change = async (settings: Settings) => {
    const made = await planned.run({
      operation: 'domain.set-many',
      input: { names, ...settings },
      title: t('Change the ticked domains ({{number}})', { number }),
      done: t('Domains changed: {{number}}', { number }),
      asksAlways: true,
    });
    if (made === undefined) return;
    setDialog(undefined);
    onDone();
  };
  const isTooMany = names.length > maxNames;
  return (
    <Paper withBorder p="xs" mb="sm" role="group" aria-label={t('Change the ticked domains ({{number}})', { number })}>
      <Group gap="xs">
        <Text size="sm" fw={600} mx={4} role="status">
          {t('Ticked: {{number}}', { number })}
        </Text>
        <Button size="xs" variant="default" disabled={isTooMany} onClick={() => void change({ active: true })}>
          {t('Take their mail')}
        </Button>
        <Button size="xs" variant="default" disabled={isTooMany} onClick={() => void change({ active: false })}>
          {t('Refuse their mail')}
        </Button>
        <Button size="xs" variant="default" disabled={isTooMany} onClick={() => setDialog('transport')}>
          {t('Transport…')}
        </Button>
        <Button size="xs" variant="default" disabled={isTooMany} onClick={() => setDialog('tags')}>
          {t('Tags…')}
        </Button>
        <Button size="xs" variant="subtle" onClick={onDone}>
          {t('Untick all')}
        </Button>
        {isTooMany ? (
          <Text size="sm">{t('At most {{number}} at once', { number: formatNumber(maxNames) })}</Text>
        ) : null}
      </Group>
      {planned.problem === undefined || dialog !== undefined ? null : <Failed error={planned.problem} />}
      <BulkDialog dialog={dialog} onClose={() => setDialog(undefined)} onChange={change} planned={planned} />
      {planned.dialog}
    </Paper>
  );
}

interface BulkDialogProps {
  readonly dialog: Dialog | undefined;
  readonly onClose: () => void;
  readonly onChange: (settings: Settings) => Promise<void>;
  readonly planned: ReturnType<typeof usePlannedChange>;
}

function BulkDialog({ dialog, onClose, onChange, planned }: BulkDialogProps) {
  const { t } = useTranslation();
  const [transport, setTransport] = useState('');
  const [addTags, setAddTags] = useState<string[]>([]);
  const [removeTags, setRemoveTags] = useState<string[]>([]);
  return (
    <Modal
      opened={dialog !== undefined}
      onClose={onClose}
      title={dialog === 'tags' ? t('Tags of the ticked domains') : t('Where mail of the ticked domains goes')}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      <Form onSubmit={() => onChange(dialog === 'tags' ? { addTags, removeTags } : { transport })}>
        <Stack>
          {planned.problem === undefined ? null : <Failed error={planned.problem} />}
          {dialog === 'tags' ? (
            <>
              <TagsInput label={t('Add')} value={addTags} onChange={setAddTags} acceptValueOnBlur data-autofocus />
              <TagsInput label={t('Take away')} value={removeTags} onChange={setRemoveTags} acceptValueOnBlur />
            </>
          ) : (
            <TextInput
              label={t('Transport')}
              description={t('As smtp:[192.0.2.1]:25; empty for the usual way')}
              data-autofocus
              value={transport}
              onChange={(event) => setTransport(event.currentTarget.value)}
            />
          )}
          <FormEnd onCancel={onClose} isBusy={planned.isBusy} label={t('Preview')} />
        </Stack>
      </Form>
    </Modal>
  );
}
