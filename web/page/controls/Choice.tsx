/** One of a few values, side by side: radio buttons, moved by the arrow keys. */
interface Props<Value extends string | number> {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string; readonly disabled?: boolean }[];
  onChoose(value: Value): void;
}

export function Choice<Value extends string | number>({ id, label, hint, value, options, onChoose }: Props<Value>) {
  return (
    <fieldset class="field" id={id} aria-describedby={`${id}-hint`}>
      <legend>{label}</legend>
      <div class="choice">
        {options.map((option) => (
          <label key={option.value} for={`${id}-${option.value}`}>
            <input
              type="radio"
              id={`${id}-${option.value}`}
              name={id}
              value={option.value}
              checked={option.value === value}
              disabled={option.disabled}
              onChange={() => onChoose(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    </fieldset>
  );
}
