/** A number to type. What is no number in the range is said at once, and not taken. */
import { useEffect, useState } from 'preact/hooks';

interface Props {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
  readonly disabled?: boolean;
  onChange(value: number): void;
}

export function NumberField({ id, label, hint, value, min, max, whole, disabled, onChange }: Props) {
  const [text, setText] = useState(String(value));
  const [wrong, setWrong] = useState(false);
  useEffect(() => {
    setText(String(value));
    setWrong(false);
  }, [value]);
  const type = (typed: string): void => {
    setText(typed);
    const number = Number(typed.replace(',', '.'));
    const good = typed.trim() !== '' && number >= min && number <= max && (!whole || Number.isInteger(number));
    setWrong(!good);
    if (good) onChange(number);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        type="text"
        inputMode={whole ? 'numeric' : 'decimal'}
        autocomplete="off"
        value={text}
        disabled={disabled}
        aria-invalid={wrong}
        aria-describedby={`${id}-hint`}
        onInput={(event) => type(event.currentTarget.value)}
        onBlur={() => {
          setText(String(value));
          setWrong(false);
        }}
      />
      <p class="hint" id={`${id}-hint`} aria-live="polite">
        {wrong ? `A ${whole ? 'whole ' : ''}number from ${min} to ${max}, please; ${value} is kept. ` : hint}
      </p>
    </div>
  );
}
