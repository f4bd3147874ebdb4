// Many mailboxes, aliases, members or recipients from a text: what would come of each row is shown first, then all of it is
// done at once, or the good rows alone. Passwords that were made are to be saved then and there.

import { Alert, Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Input, type Output } from '../api.ts';
import { Dialog, useHeldOpen } from '../parts/dialog.tsx';
import { Form } from '../parts/form.tsx';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { ImportRows } from './domain-import-rows.tsx';

type Kind = Input<'domain.import'>['kind'];
type Checked = Output<'domain.import-check'>;
type Imported = Output<'domain.import'>;

interface ImportDialogProps {
  readonly domain: string;
  readonly kind: Kind;
  readonly list?: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function ImportDialog({ isOpen, onClose, ...props }: ImportDialogProps) {
  const title = useTitles()[props.kind];
  return (
    <Dialog opened={isOpen} onClose={onClose} title={title} size="xl">
      <ImportSteps {...props} onClose={onClose} />
    </Dialog>
  );
}

function ImportSteps({ domain, kind, list, onClose }: Omit<ImportDialogProps, 'isOpen'>) {
  const [text, setText] = useState('');
  const [checked, setChecked] = useState<Checked>();
  const [imported, setImported] = useState<Imported>();
  const input = { name: domain, kind, text, ...(list === undefined ? {} : { list }) };
  if (imported !== undefined) return <Done imported={imported} domain={domain} onClose={onClose} />;
  if (checked !== undefined) {
    return <Preview input={input} checked={checked} onBack={() => setChecked(undefined)} onDone={setImported} />;
  }
  return <Paste input={input} onText={setText} onChecked={setChecked} onClose={onClose} />;
}

interface PasteProps {
  readonly input: Input<'domain.import-check'>;
  readonly onText: (text: string) => void;
  readonly onChecked: (checked: Checked) => void;
  readonly onClose: () => void;
}

/** As much as the server takes. */
const maxCharacters = 2 * 1024 * 1024;

function Paste({ input, onText, onChecked, onClose }: PasteProps) {
  const { t, i18n } = useTranslation();
  const change = useChange();
  const { kind, text } = input;
  const examples: Readonly<Record<Kind, string>> = {
    mailbox: 'anna, Anna Alt, 2G\nben, Ben Neu',
    alias: 'sales: anna, ben\noffice: anna@example.org',
    member: 'anna\nben@example.org',
    recipient: 'anna\nben',
  };
  const explanations: Readonly<Record<Kind, string>> = {
    mailbox: t(
      'A mailbox a line: address, name, quota. Or a table (CSV) whose first row names its columns: address, name, quota, password, enabled, forward, targets.',
    ),
    alias: t(
      'An alias a line: its address, a colon or a blank, and where it leads. Or a table (CSV) with the columns address and targets.',
    ),
    member: t('Addresses, one or many a line.'),
    recipient: t('Addresses, one or many a line.'),
  };
  const isLong = text.length > maxCharacters;
  const check = () => change.run(async () => onChecked(await call('domain.import-check', input)));
  const forget = useRef<() => void>(null);
  const read = async (file: File | null) => {
    if (file !== null) onText(decode(await file.slice(0, maxCharacters * 4).arrayBuffer(), i18n.language));
    // The same file, mended meanwhile, is read again.
    forget.current?.();
  };
  return (
    <Form onSubmit={check}>
      <Stack>
        {change.problem === undefined ? null : <Failed error={change.problem} />}
        <Textarea
          label={t('Paste a list or a table')}
          description={explanations[kind]}
          placeholder={examples[kind]}
          autoFocus
          data-autofocus
          autosize
          minRows={8}
          maxRows={18}
          spellCheck={false}
          classNames={{ input: 'mono' }}
          error={isLong ? t('That is too much at once: take it in parts.') : undefined}
          value={text}
          onChange={(event) => onText(event.currentTarget.value)}
        />
        <Group justify="space-between">
          <FileButton resetRef={forget} onChange={(file) => void read(file)} accept=".csv,.txt,text/csv,text/plain">
            {(props) => (
              <Button {...props} variant="default">
                {t('From a file…')}
              </Button>
            )}
          </FileButton>
          <Group>
            <Button variant="default" onClick={onClose}>
              {t('Cancel')}
            </Button>
            <Button type="submit" loading={change.isBusy} disabled={text.trim() === '' || isLong}>
              {t('Preview')}
            </Button>
          </Group>
        </Group>
      </Stack>
    </Form>
  );
}

interface PreviewProps {
  readonly input: Input<'domain.import'>;
  readonly checked: Checked;
  readonly onBack: () => void;
  readonly onDone: (imported: Imported) => void;
}

function Preview({ input, checked, onBack, onDone }: PreviewProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  // Passwords are being made.
  useHeldOpen(planned.isBusy);
  const { added, there, wrong } = checked;
  const apply = async () => {
    const done = t('Added: {{number}}', { number: formatNumber(added) });
    const onlyGood = wrong > 0 ? { onlyGood: true } : {};
    const imported = await planned.run({
      operation: 'domain.import',
      input: { ...input, ...onlyGood },
      done,
      isPlain: true,
    });
    if (imported !== undefined) onDone(imported);
  };
  return (
    <Stack>
      <Alert
        color={wrong > 0 ? 'orange' : 'green'}
        variant="light"
        role="status"
        title={[
          t('To be added: {{number}}', { number: formatNumber(added) }),
          ...(there === 0 ? [] : [t('there already: {{number}}', { number: formatNumber(there) })]),
          ...(wrong === 0 ? [] : [t('wrong: {{number}}', { number: formatNumber(wrong) })]),
        ].join(' · ')}
      >
        {wrong === 0
          ? t('Nothing has been changed yet. What is there already stays as it is.')
          : t(
              'Nothing has been changed yet. Go back and mend the wrong rows, or add the good ones alone: wrong rows are left out.',
            )}
      </Alert>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <ImportRows rows={checked.rows} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onBack} disabled={planned.isBusy} autoFocus={added === 0}>
          {t('Back')}
        </Button>
        <Button onClick={() => void apply()} loading={planned.isBusy} disabled={added === 0} autoFocus={added > 0}>
          {wrong === 0
            ? t('Add all ({{number}})', { number: formatNumber(added) })
            : t('Add the good ones alone ({{number}})', { number: formatNumber(added) })}
        </Button>
      </Group>
    </Stack>
  );
}

interface DoneProps {
  readonly imported: Imported;
  readonly domain: string;
  readonly onClose: () => void;
}

function Done({ imported: { added, passwords }, domain, onClose }: DoneProps) {
  const { t } = useTranslation();
  const [isSaved, setSaved] = useState(passwords.length === 0);
  useHeldOpen(!isSaved);
  const save = () => {
    const lines = passwords.map(({ address, password }) => `${csvCell(address)},${csvCell(password)}\r\n`);
    const url = URL.createObjectURL(new Blob(['address,password\r\n', ...lines], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `passwords-${domain}.csv`;
    link.click();
    URL.revokeObjectURL(url);
    setSaved(true);
  };
  return (
    <Stack>
      <Alert
        color="green"
        variant="light"
        title={t('Added: {{number}}', { number: formatNumber(added) })}
        role="status"
      >
        {passwords.length === 0 ? (
          t('All of it counts from now on.')
        ) : (
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              {t('Passwords were made for {{number}} mailboxes. Save them now: nobody can see them again.', {
                number: formatNumber(passwords.length),
                count: passwords.length,
              })}
            </Text>
            <Button leftSection={<Icon name="download" />} onClick={save} autoFocus>
              {t('Save the passwords')}
            </Button>
          </Stack>
        )}
      </Alert>
      <Group justify="flex-end">
        <Button variant={isSaved ? 'filled' : 'default'} onClick={onClose} autoFocus={isSaved}>
          {isSaved ? t('Done') : t('Close without them')}
        </Button>
      </Group>
    </Stack>
  );
}

/** UTF-8, or as table programs write it without: UTF-16, or what Windows has for the language. */
function decode(octets: ArrayBuffer, language: string): string {
  const [first, second] = new Uint8Array(octets);
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(octets);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    const ofWindows: Readonly<Record<string, string>> = { ru: 'windows-1251', zh: 'gb18030' };
    return new TextDecoder(ofWindows[language] ?? 'windows-1252').decode(octets);
  }
}

/** Quoted, and nothing that a table program would take for a formula. */
function csvCell(text: string): string {
  return `"${(/^[=+\-@\t]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

function useTitles(): Readonly<Record<Kind, string>> {
  const { t } = useTranslation();
  return {
    mailbox: t('Add many mailboxes'),
    alias: t('Add many aliases'),
    member: t('Add many members'),
    recipient: t('Add many recipients'),
  };
}
