"""References of the CAM methods as BibTeX, for the page's readers to copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from reportgen.values import RunInfo

BIBTEX: dict[str, str] = {
    "grad-cam": """@inproceedings{selvaraju2017gradcam,
  title = {{Grad-CAM}: Visual Explanations from Deep Networks via Gradient-Based Localization},
  author = {Selvaraju, Ramprasaath R. and Cogswell, Michael and Das, Abhishek and
    Vedantam, Ramakrishna and Parikh, Devi and Batra, Dhruv},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision (ICCV)},
  pages = {618--626},
  year = {2017},
  doi = {10.1109/ICCV.2017.74}
}""",
    "layer-cam": """@article{jiang2021layercam,
  title = {{LayerCAM}: Exploring Hierarchical Class Activation Maps for Localization},
  author = {Jiang, Peng-Tao and Zhang, Chang-Bin and Hou, Qibin and Cheng, Ming-Ming and
    Wei, Yunchao},
  journal = {IEEE Transactions on Image Processing},
  volume = {30},
  pages = {5875--5888},
  year = {2021},
  doi = {10.1109/TIP.2021.3089943}
}""",
    "grad-cam++": """@inproceedings{chattopadhay2018gradcampp,
  title = {{Grad-CAM++}: Generalized Gradient-Based Visual Explanations for Deep Convolutional
    Networks},
  author = {Chattopadhay, Aditya and Sarkar, Anirban and Howlader, Prantik and
    Balasubramanian, Vineeth N.},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision (WACV)},
  pages = {839--847},
  year = {2018},
  doi = {10.1109/WACV.2018.00097}
}""",
    "xgrad-cam": """@inproceedings{fu2020xgradcam,
  title = {Axiom-based {Grad-CAM}: Towards Accurate Visualization and Explanation of {CNN}s},
  author = {Fu, Ruigang and Hu, Qingyong and Dong, Xiaohu and Guo, Yulan and Gao, Yinghui and
    Li, Biao},
  booktitle = {British Machine Vision Conference (BMVC)},
  year = {2020}
}""",
    "hires-cam": """@misc{draelos2020hirescam,
  title = {Use {HiResCAM} instead of {Grad-CAM} for faithful explanations of convolutional neural
    networks},
  author = {Draelos, Rachel Lea and Carin, Lawrence},
  year = {2020},
  eprint = {2011.08891},
  archiveprefix = {arXiv},
  primaryclass = {eess.IV}
}""",
    "grad-cam-elementwise": """@inproceedings{pillai2021explainable,
  title = {Explainable Models with Consistent Interpretations},
  author = {Pillai, Vipin and Pirsiavash, Hamed},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {35},
  number = {3},
  pages = {2431--2439},
  year = {2021}
}""",
    "gradient-x-activation": """@misc{shrikumar2016notjust,
  title = {Not Just a Black Box: Learning Important Features Through Propagating Activation
    Differences},
  author = {Shrikumar, Avanti and Greenside, Peyton and Shcherbina, Anna and Kundaje, Anshul},
  year = {2016},
  eprint = {1605.01713},
  archiveprefix = {arXiv},
  primaryclass = {cs.LG}
}""",
    "eigen-cam": """@inproceedings{muhammad2020eigencam,
  title = {{Eigen-CAM}: Class Activation Map using Principal Components},
  author = {Muhammad, Mohammed Bany and Yeasin, Mohammed},
  booktitle = {International Joint Conference on Neural Networks (IJCNN)},
  pages = {1--7},
  year = {2020},
  doi = {10.1109/IJCNN48605.2020.9206626}
}""",
    "score-cam": """@inproceedings{wang2020scorecam,
  title = {{Score-CAM}: Score-Weighted Visual Explanations for Convolutional Neural Networks},
  author = {Wang, Haofan and Wang, Zifan and Du, Mengnan and Yang, Fan and Zhang, Zijian and
    Ding, Sirui and Mardziel, Piotr and Hu, Xia},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)},
  year = {2020},
  doi = {10.1109/CVPRW50498.2020.00020}
}""",
    "ablation-cam": """@inproceedings{desai2020ablationcam,
  title = {{Ablation-CAM}: Visual Explanations for Deep Convolutional Network via Gradient-free
    Localization},
  author = {Desai, Saurabh and Ramaswamy, Harish G.},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision (WACV)},
  year = {2020},
  doi = {10.1109/WACV45572.2020.9093360}
}""",
}
"""Name of a method → the entry of the paper that it is from."""

DERIVED: dict[str, str] = {
    "eigen-grad-cam": "eigen-cam",
    "layer-cam-fusion": "layer-cam",
}
"""Names of methods that another one's paper stands for."""


def reference(method: str) -> str | None:
    """Return the BibTeX entry for the method called ``method``, or None where there is none."""
    return BIBTEX.get(DERIVED.get(method, method))


def bibliography(run: RunInfo) -> Markup:
    """Return the entries of the run's methods as a JSON object by title.

    It is safe to stand in a ``script`` element that holds data.
    """
    entries = {method.title: reference(method.name) for method in run.methods}
    known = {title: entry for title, entry in entries.items() if entry}
    text = json.dumps(known, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no tag can begin in it
