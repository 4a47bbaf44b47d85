/** When to lower a rate: like torch.optim.lr_scheduler.ReduceLROnPlateau, given the mean loss of every `every` steps. */
export interface Plateau {
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
  /** Whether the loss must fall by a share of the best one or by an amount. */
  readonly threshold_mode: 'rel' | 'abs';
  readonly cooldown: number;
  readonly min_lr: number;
  readonly eps: number;
  /** The number of steps to average the loss over; in a program 0 means an epoch. */
  readonly every: number;
}
