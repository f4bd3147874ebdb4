// Addresses as chips: typed, or many pasted at once between blanks, commas or line ends. A name without @ is one of the domain.

import { Pill, TagsInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { shownNames } from './shown-name.ts';

interface AddressesFieldProps {
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly value: readonly string[];
  readonly onChange: (addresses: readonly string[]) => void;
  /** For names without one. */
  readonly domain: string;
  readonly error?: string | undefined;
  readonly required?: boolean;
  readonly isFirst?: boolean;
}

const between = [' ', ',', ';', '\n', '\t'];

export function AddressesField(props: AddressesFieldProps) {
  const { label, description, placeholder, value, onChange, domain, error, required = false, isFirst = false } = props;
  const [text, setText] = useState('');
  useStillButtons(text !== '');
  const whole = (words: readonly string[]) => [
    ...new Set(
      words
        .flatMap((word) => word.split(/[\s,;]+/))
        .filter((word) => word !== '')
        .map((word) => (word.includes('@') ? word : `${word}@${domain}`)),
    ),
  ];
  return (
    <TagsInput
      label={label}
      description={description}
      placeholder={value.length === 0 ? placeholder : undefined}
      withAsterisk={required}
      error={error}
      splitChars={between}
      acceptValueOnBlur
      clearable={value.length > 1}
      value={[...value]}
      searchValue={text}
      onSearchChange={setText}
      onChange={(words) => onChange(whole(words))}
      renderPill={({ value: address = '', onRemove, disabled = false }) => (
        <Pill withRemoveButton disabled={disabled} onRemove={() => onRemove?.()} title={address}>
          {shownNames(address)}
        </Pill>
      )}
      {...(isFirst ? { 'data-autofocus': true } : {})}
    />
  );
}

/**
 * What is typed becomes a chip when the field is left, and the field may grow by a line. Were it left when a button is
 * pressed, the button would move from under the pointer, and the click be lost: it is left by the click itself.
 */
function useStillButtons(isTyped: boolean): void {
  useEffect(() => {
    if (!isTyped) return;
    const buttonOf = ({ target }: MouseEvent) => (target instanceof Element ? target.closest('button') : null);
    const press = (event: MouseEvent) => {
      if (buttonOf(event) !== null) event.preventDefault();
    };
    const click = (event: MouseEvent) => flushSync(() => buttonOf(event)?.focus());
    window.addEventListener('mousedown', press, true);
    window.addEventListener('click', click, true);
    return () => {
      window.removeEventListener('mousedown', press, true);
      window.removeEventListener('click', click, true);
    };
  }, [isTyped]);
}
