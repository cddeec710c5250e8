/** A button with a sentence about what it does. */
interface Props {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly main?: boolean;
  /** It stays reachable by the keyboard, so that its explanation can be read. */
  readonly disabled?: boolean;
  /** For style sheets and tests: what pressing it would do now. */
  readonly action?: string;
  onPress(): void;
}

export function Action({ id, label, hint, main, disabled, action, onPress }: Props) {
  return (
    <div class="action">
      <button
        type="button"
        id={id}
        class={main ? 'button button-main' : 'button'}
        data-action={action}
        aria-disabled={disabled || undefined}
        aria-describedby={`${id}-hint`}
        onClick={() => {
          if (!disabled) onPress();
        }}
      >
        {label}
      </button>
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}
