"""Training with optax: one step, many steps as one scan on the device, and epochs over them.

    from pure_nn import training

    step        one update
    steps       one update for each given batch, compiled as one scan
    epoch       one update for each batch of the shuffled examples
    fit         epochs, with evaluation, early stopping and what a caller wants to see
    streamed_epoch      as `epoch`, of more examples than memory holds; `chunks` are its parts
    evaluate    J and the share of examples that are right
    Interrupt   SIGINT and SIGTERM as a flag that is read between steps
    locate_nonfinite    where a run first left the finite numbers
    noised_mean         differentially private SGD, of a clipped sum; `epsilon_spent`, `noise_for`
    kfac, natural_gradient      steps along the curvature, for a step of your own: they take more
                                than gradients at each update

All that train take the same settings: any `optimizer` of optax, with its schedule, line search or
what else it chains; `l2` = λ; `compute_dtype` for the products, while parameters and their updates
keep their own dtype; `observe`, which sees every Δ. Every cost is the cost before the update that
it belongs to.
"""

from pure_nn.training.curved import kfac as kfac
from pure_nn.training.curved import natural_gradient as natural_gradient
from pure_nn.training.epochs import epoch as epoch
from pure_nn.training.evaluation import Evaluation as Evaluation
from pure_nn.training.evaluation import evaluate as evaluate
from pure_nn.training.fit import Fitted as Fitted
from pure_nn.training.fit import Progress as Progress
from pure_nn.training.fit import fit as fit
from pure_nn.training.interrupt import Interrupt as Interrupt
from pure_nn.training.nonfinite import NonFinite as NonFinite
from pure_nn.training.nonfinite import locate_nonfinite as locate_nonfinite
from pure_nn.training.nonfinite import locate_nonfinite_step as locate_nonfinite_step
from pure_nn.training.private import epsilon_spent as epsilon_spent
from pure_nn.training.private import noise_for as noise_for
from pure_nn.training.private import noised_mean as noised_mean
from pure_nn.training.steps import step as step
from pure_nn.training.steps import steps as steps
from pure_nn.training.stream import chunks as chunks
from pure_nn.training.stream import streamed_epoch as streamed_epoch
