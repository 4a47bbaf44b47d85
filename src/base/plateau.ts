/** When a rate is lowered: as torch.optim.lr_scheduler.ReduceLROnPlateau, told the mean loss of every so many steps. */
export interface Plateau {
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
  /** The loss must fall by a share of the best one, or by an amount. */
  readonly threshold_mode: 'rel' | 'abs';
  readonly cooldown: number;
  readonly min_lr: number;
  readonly eps: number;
  /** Steps over which the loss is averaged; in a program 0 for an epoch. */
  readonly every: number;
}
